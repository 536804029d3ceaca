/// A call as its trace tells it: what there was, and what happened to it. What that means is ``Diagnosis``'s to say.
struct Call: Sendable {
    struct Moment: Sendable {
        let time: Double
        let line: Int
        let text: String
    }

    struct StateChange: Sendable {
        let time: Double
        let line: Int
        let state: String
        let reason: String?
        let message: String?
    }

    struct ServerError: Sendable {
        let time: Double
        let line: Int
        let url: String
        let code: Int
        let message: String
    }

    /// A check of the peer's that was turned away.
    struct Refusal: Sendable {
        let time: Double
        let line: Int
        let code: Int
        let destination: String
    }

    struct Gathering: Sendable {
        let start: Double
        var end: Double?
    }

    struct Selection: Sendable {
        let time: Double
        let line: Int
        let pair: String
        let text: String
        let path: PathRecord
    }

    /// Where a generation of credentials begins.
    struct Generation: Sendable {
        let number: Int
        let time: Double
        let line: Int
        var remoteParameters: Moment?
        var endOfCandidates: Moment?
        var refusals: [Refusal] = []
        /// Checks of the peer's that belong to no pair.
        var strays: [ReceivedCheck] = []
    }

    var generations = [Generation(number: 0, time: 0, line: 0)]
    var states: [StateChange] = []
    var gatherings: [Gathering] = []
    var serverErrors: [ServerError] = []
    var local: [CandidateRecord] = []
    var remote: [CandidateRecord] = []
    var pairs: [PairRecord] = []
    var selections: [Selection] = []
    var roleChanges: [Moment] = []
    var restartsNeeded: [Moment] = []
    var closedAt: Double?
    /// Kinds of events that this version does not know, and how many there were.
    var unknown: [String: Int] = [:]
    let start: Double
    let end: Double

    /// The number of the present generation.
    var generation: Generation { generations[generations.count - 1] }

    var firstConnected: StateChange? { states.first { Self.isConnected($0.state) } }
    static func isConnected(_ state: String) -> Bool { state == "connected" || state == "completed" }

    /// The state before the application closed the client.
    var lastState: StateChange? { states.last { $0.state != "closed" } }

    func pair(_ id: String) -> PairRecord? { pairs.first { $0.id == id } }

    /// Which part this agent plays, as far as its trace shows it.
    var role: String? {
        if let last = roleChanges.last { return last.text }
        if pairs.contains(where: { $0.checks.contains { $0.nominates } }) { return "controlling" }
        return pairs.contains { $0.received.contains { $0.nominates } } ? "controlled" : nil
    }
}
