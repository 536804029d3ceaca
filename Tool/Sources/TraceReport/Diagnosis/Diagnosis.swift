/// What became of a call, and why.
struct Diagnosis: Sendable {
    /// How a call stood when its trace ended, or when it was closed.
    enum Outcome: String, Sendable, Encodable {
        case connected
        /// It was connected, and the peer has been silent since.
        case silent
        /// It was connected and failed later.
        case lost
        /// It failed without ever having been connected.
        case failed
        /// Neither yet.
        case unfinished
    }

    let outcome: Outcome
    /// The whole story in one sentence.
    let headline: String
    /// Why, the most telling first; of a call that went well, what is worth knowing.
    let findings: [Finding]
    /// What is worth knowing besides.
    let remarks: [Finding]

    init(_ call: Call) {
        let last = Attempt(call, at: call.generations.count - 1)
        outcome = Self.outcome(of: call)
        switch outcome {
        case .connected:
            findings = []
            remarks = last.refusalRemarks + last.serverRemarks + call.changesOfPath + last.relayRemarks(call)
            headline = Self.success(call)
        case .silent, .lost:
            findings = call.losses + (call.generations.count > 1 && last.answered.isEmpty ? last.causes : [])
            remarks = last.serverRemarks + call.changesOfPath
            let reason = findings.first?.title ?? "the trace does not say why"
            let opening = "Connected after \((call.firstConnected?.time ?? 0).asTime), then"
            headline = "\(opening) \(outcome == .lost ? "lost" : "silent"): \(reason)."
        case .failed, .unfinished:
            findings = last.causes
            remarks = last.serverRemarks + last.networkRemarks
            headline = "\(Self.failureOpening(call, outcome)): \(findings.first?.title ?? "nothing here says why")."
        }
    }

    private static func outcome(of call: Call) -> Outcome {
        guard call.firstConnected != nil || !call.selections.isEmpty else {
            return call.states.contains { $0.state == "failed" } ? .failed : .unfinished
        }
        switch call.lastState?.state {
        case "failed": return .lost
        case "disconnected": return .silent
        case "checking" where call.generations.count > 1: return .silent
        default: return .connected
        }
    }

    // MARK: The headline

    private static func success(_ call: Call) -> String {
        let time = call.firstConnected?.time ?? call.selections.first?.time ?? 0
        let paths = Set(call.selections.map(\.path)).sorted()
        let current = paths.compactMap { path in call.selections.last { $0.path == path } }
        guard let pair = current.first else { return "Connected after \(time.asTime)." }
        let isRelayed = call.pair(pair.pair)?.isRelayed == true
        let more = current.count > 1 ? ", and \((current.count - 1).of("other component"))" : ""
        return "Connected after \(time.asTime), \(isRelayed ? "over a relay" : "directly"): \(pair.text)\(more)."
    }

    private static func failureOpening(_ call: Call, _ outcome: Outcome) -> String {
        if outcome == .failed, let failed = call.states.last(where: { $0.state == "failed" }) {
            return "Failed after \(failed.time.asTime), never connected"
        }
        if let closed = call.closedAt { return "Closed by the application after \(closed.asTime), not connected yet" }
        return "Not connected when the trace ends, at \(call.end.asTime)"
    }
}
