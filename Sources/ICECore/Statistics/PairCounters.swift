/// What went over a candidate pair in STUN, in the words of `RTCIceCandidatePairStats`.
package struct PairCounters: Hashable, Sendable {
    /// Checks that were sent, repetitions and consent checks left out.
    package internal(set) var requestsSent: UInt64 = 0
    /// Checks that were sent again because no answer had come.
    package internal(set) var retransmissionsSent: UInt64 = 0
    /// Consent checks that were sent (RFC 7675).
    package internal(set) var consentRequestsSent: UInt64 = 0
    /// Authentic answers to checks and consent checks, errors among them.
    package internal(set) var responsesReceived: UInt64 = 0
    /// Authentic checks of the peer, each repetition counted, that were answered.
    package internal(set) var requestsReceived: UInt64 = 0
    /// Answers that were sent, errors among them.
    package internal(set) var responsesSent: UInt64 = 0
    /// The sum of the round trips that were measured.
    package private(set) var totalRoundTripTime = Duration.zero
    /// The latest of them.
    package private(set) var currentRoundTripTime: Duration?
    /// How many were measured: the answer to a request that was repeated tells no time (RFC 8489 §6.2.1).
    package private(set) var roundTripTimeMeasurements: UInt64 = 0

    mutating func add(roundTrip: Duration) {
        totalRoundTripTime += roundTrip
        currentRoundTripTime = roundTrip
        roundTripTimeMeasurements += 1
    }
}
