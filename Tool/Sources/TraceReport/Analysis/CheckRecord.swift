/// One request of this agent's over a pair, all its transmissions, and what came of it.
struct CheckRecord: Sendable {
    enum Outcome: Hashable, Sendable {
        case unanswered
        /// The round trip where it can be told.
        case answered(at: Double, roundTrip: Double?)
        /// The peer's error.
        case refused(at: Double, code: Int)
    }

    let purpose: String
    let nominates: Bool
    let line: Int
    /// When it was sent, and sent again.
    var sentAt: [Double]
    var outcome = Outcome.unanswered
    /// Answers that could not be believed.
    var disregarded: [Disregarded] = []

    struct Disregarded: Sendable {
        let time: Double
        let code: Int?
        let line: Int
    }

    var isConsent: Bool { purpose == "consent" }
    /// Whether it keeps a path that is known to work.
    var isUpkeep: Bool { isConsent || purpose == "keepalive" }
    var firstSentAt: Double { sentAt[0] }

    var answeredAt: Double? {
        switch outcome {
        case .unanswered: nil
        case .answered(let time, _), .refused(let time, _): time
        }
    }

    var roundTrip: Double? {
        if case .answered(_, let roundTrip) = outcome { roundTrip } else { nil }
    }

    var isAnswered: Bool {
        if case .answered = outcome { true } else { false }
    }
}

/// A check of the peer's that came here.
struct ReceivedCheck: Sendable {
    let time: Double
    let line: Int
    let source: String
    let nominates: Bool
    /// The local candidate that it reached.
    let local: String?
}
