import NetBase

/// How well a pair that works does, by its checks: what decides whether a call moves to it.
struct PathQuality: Sendable {
    /// The smoothed round trip; nil before the first answer.
    private(set) var roundTrip: Duration?
    /// The share of requests that went unanswered of late, 0 to 1.
    private(set) var loss = 0.0
    /// How many requests were answered.
    private(set) var answers = 0

    private static let lossWeight = 0.125

    mutating func answered(after sample: Duration?) {
        answers += 1
        loss -= loss * Self.lossWeight
        guard let sample else { return }
        roundTrip = roundTrip.map { ($0 * 7 + sample) / 8 } ?? sample
    }

    mutating func unanswered() {
        loss += (1 - loss) * Self.lossWeight
    }
}

/// Whether a call that has a path is to move to another one, and the least that has to be won by it, so that it does not go to and fro.
struct PathChoice {
    let isRelayed: Bool
    let networkCost: Int
    let quality: PathQuality

    /// A path has to have proved itself before a call moves to it.
    private static let leastAnswers = 2
    private static let answersForComparison = 4
    private static let leastRoundTripGain = Duration.milliseconds(10)
    private static let leastLossGain = 0.1

    /// Direct before relayed, then the cheaper network, then less loss, then the shorter round trip.
    func isWorthLeaving(for other: PathChoice) -> Bool {
        guard other.quality.answers >= Self.leastAnswers else { return false }
        if isRelayed != other.isRelayed { return isRelayed && other.quality.loss <= quality.loss + Self.leastLossGain }
        if networkCost != other.networkCost {
            return other.networkCost < networkCost && other.quality.loss <= quality.loss + Self.leastLossGain
        }
        guard min(quality.answers, other.quality.answers) >= Self.answersForComparison,
            let now = quality.roundTrip, let then = other.quality.roundTrip
        else { return false }
        if abs(quality.loss - other.quality.loss) >= Self.leastLossGain { return other.quality.loss < quality.loss }
        return then + max(Self.leastRoundTripGain, now / 5) < now
    }
}
