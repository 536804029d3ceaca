/// One generation's try to find a path, and what of it bears on whether it found one.
struct Attempt: Sendable {
    let generation: Call.Generation
    let pairs: [PairRecord]
    let local: [CandidateRecord]
    let remote: [CandidateRecord]
    /// Those of the servers that were asked before its end.
    let serverErrors: [Call.ServerError]
    let gatheringEnded: Bool
    let failure: Call.StateChange?
    let end: Double

    init(_ call: Call, at index: Int) {
        let generation = call.generations[index]
        self.generation = generation
        pairs = call.pairs.filter { $0.generation == generation.number }
        remote = call.remote.filter { $0.generation == generation.number }
        let end = index + 1 < call.generations.count ? call.generations[index + 1].time : call.end
        self.end = end
        local = call.local.filter { $0.time <= end && ($0.removedAt ?? .infinity) > generation.time }
        serverErrors = call.serverErrors.filter { $0.time <= end }
        gatheringEnded = call.gatherings.contains { $0.end.map { $0 <= end } ?? false }
        failure = call.states.last { $0.state == "failed" && $0.time >= generation.time && $0.time <= end }
    }

    // MARK: The peer

    var signalled: [CandidateRecord] { remote.filter { $0.origin == .signalled || $0.origin == .merged } }
    var learned: [CandidateRecord] { remote.filter { $0.origin == .learned || $0.origin == .merged } }
    var ignored: [CandidateRecord] { remote.filter { $0.origin == .ignored } }
    var usable: [CandidateRecord] { remote.filter { $0.origin != .ignored } }

    /// The peer's checks that were authentic.
    var received: [ReceivedCheck] { pairs.flatMap(\.received) + generation.strays }
    /// Those that named other credentials.
    var turnedAway: [Call.Refusal] { generation.refusals.filter { $0.code == 401 } }

    // MARK: This agent's checks

    var checks: [CheckRecord] { pairs.flatMap(\.checks) }
    var answered: [CheckRecord] { checks.filter(\.isAnswered) }
    var refused: [CheckRecord] {
        checks.filter {
            if case .refused = $0.outcome { true } else { false }
        }
    }
    /// Answers that could not be believed, which is what a wrong password looks like from here.
    var disregarded: [CheckRecord.Disregarded] { checks.flatMap(\.disregarded) }

    func pairs(failedBecause reason: String) -> [PairRecord] { pairs.filter { $0.failure?.reason == reason } }

    // MARK: Servers

    /// Servers that gave no sign of life.
    var silentServers: [Call.ServerError] { serverErrors.filter { $0.code == 701 && !$0.url.isEmpty } }
    var hasReflexive: Bool { local.contains { $0.kind == "srflx" } }
    var hasRelay: Bool { local.contains { $0.kind == "relay" } }
    var takesPartInRelay: Bool { hasRelay || usable.contains { $0.kind == "relay" } }
}
