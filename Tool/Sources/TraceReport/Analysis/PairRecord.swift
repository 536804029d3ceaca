/// A pair of candidates from its making to its end.
struct PairRecord: Sendable {
    struct Change: Sendable {
        let time: Double
        let line: Int
        let state: String
        let reason: String?
        let message: String?
    }

    let id: String
    let generation: Int
    let path: PathRecord
    let formedAt: Double
    /// As it was formed, and as it was last told of.
    let local: String
    let remote: String
    var text: String
    let localID: String?
    let remoteID: String?
    var changes: [Change] = []
    var checks: [CheckRecord] = []
    var received: [ReceivedCheck] = []
    /// How many of the peer's checks were answered, and which were turned away.
    var answersSent = 0
    var refusals: [Call.Refusal] = []
    var nominatedAt: [Double] = []
    var selectedAt: [Double] = []
    var consentLostAt: Double?
    var removedAt: Double?

    init(_ event: TraceEvent, id: String, generation: Int) {
        self.id = id
        self.generation = event.generation ?? generation
        path = PathRecord(event)
        formedAt = event.time
        text = event.pair ?? id
        let ends = text.ends
        (local, remote) = ends
        localID = event.localCandidateID
        remoteID = event.remoteCandidateID
    }

    var state: String { changes.last?.state ?? "unknown" }
    var failure: Change? { state == "failed" ? changes.last : nil }
    var hasSucceeded: Bool { changes.contains { $0.state == "succeeded" } || checks.contains(where: \.isAnswered) }
    var isRelayed: Bool { local.hasSuffix("(relay)") || remote.hasSuffix("(relay)") }

    var requestsSent: Int { checks.count }
    var retransmissions: Int { checks.reduce(0) { $0 + $1.sentAt.count - 1 } }
    var answers: Int { checks.count { $0.answeredAt != nil } }
    var roundTrips: [Double] { checks.compactMap(\.roundTrip) }

    /// Its end, such as `192.0.2.1:5000 (host)`, without what kind it is.
    static func place(_ end: String) -> Substring { end.prefix { $0 != " " } }
}

extension String {
    /// The two ends of `192.0.2.1:50000 (host) - 198.51.100.2:40000 (srflx)`.
    fileprivate var ends: (String, String) {
        let parts = split(separator: " - ", maxSplits: 1)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : (self, "?")
    }
}

extension PairRecord {
    /// What has more to tell comes first: what was used, what worked, what failed with a word, what is under way, what was silent.
    var rank: Int {
        if !selectedAt.isEmpty { return 0 }
        if !nominatedAt.isEmpty { return 1 }
        if hasSucceeded { return 2 }
        if !received.isEmpty || checks.contains(where: { !$0.disregarded.isEmpty || $0.answeredAt != nil }) { return 3 }
        if let reason = failure?.reason { return reason == "timeout" ? 6 : 4 }
        if !checks.isEmpty { return 5 }
        return state == "waiting" ? 7 : 8
    }

    static func byInterest(_ pairs: [PairRecord]) -> [PairRecord] {
        pairs.enumerated().sorted { a, b in
            (a.element.rank, -a.element.generation, a.offset) < (b.element.rank, -b.element.generation, b.offset)
        }.map(\.element)
    }
}
