/// One line of a saved trace, as `ICEClient.onTrace` tells it and `ice-peer --trace` writes it.
///
/// It is read without the library's own types, so that lines of other versions, with kinds and fields that are not known here, are
/// shown all the same.
struct TraceEvent: Sendable {
    /// Which line it is, from 1.
    let line: Int
    /// Milliseconds since the client was made.
    let time: Double
    /// What happened, such as `check-sent`.
    let kind: String
    /// Everything else.
    let fields: [String: TraceValue]

    func text(_ field: String) -> String? {
        if case .text(let text) = fields[field] { text } else { nil }
    }

    func number(_ field: String) -> Double? {
        guard case .number(let number) = fields[field], number.magnitude <= Self.largestNumber else { return nil }
        return number
    }

    func integer(_ field: String) -> Int? { number(field).map { Int($0) } }

    func flag(_ field: String) -> Bool {
        if case .flag(let flag) = fields[field] { flag } else { false }
    }

    /// More than any time in milliseconds, and fit for all arithmetic here.
    static let largestNumber = 1e13
}

extension TraceEvent {
    var generation: Int? { integer("generation") }
    var stream: Int { integer("stream") ?? 0 }
    var component: Int { integer("component") ?? 1 }
    var candidateID: String? { text("candidateId") }
    var candidate: String? { text("candidate") }
    var pairID: String? { text("pairId") }
    var pair: String? { text("pair") }
    var localCandidateID: String? { text("localCandidateId") }
    var remoteCandidateID: String? { text("remoteCandidateId") }
    var state: String? { text("state") }
    var reason: String? { text("reason") }
    var message: String? { text("message") }
    var purpose: String? { text("purpose") }
    var transactionID: String? { text("transactionId") }
    var isRetransmission: Bool { (number("retransmission") ?? 0) > 0 }
    var usesCandidate: Bool { flag("useCandidate") }
    var source: String? { text("source") }
    var destination: String? { text("destination") }
    var roundTripTime: Double? { number("roundTripTime").flatMap { $0 >= 0 ? $0 : nil } }
    var code: Int? { integer("code") }
    var role: String? { text("role") }
    var url: String? { text("url") }

    /// Its fields in one line, the telling ones first.
    var details: String {
        let named = Self.order.filter { fields[$0] != nil }
        let rest = fields.keys.filter { !Self.order.contains($0) }.sorted()
        return (named + rest).map { "\($0.printable)=\(fields[$0] ?? .none)" }.joined(separator: "  ")
    }

    private static let order = [
        "state", "reason", "message", "code", "url", "pair", "candidate", "purpose", "useCandidate", "retransmission",
        "roundTripTime", "source", "destination", "role", "usernameFragment", "pairId", "candidateId",
        "localCandidateId", "remoteCandidateId", "generation", "stream", "component", "transactionId",
    ]
}
