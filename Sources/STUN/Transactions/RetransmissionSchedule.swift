import NetBase

/// When a request is repeated, and when it is given up (RFC 8489 §6.2.1, §6.2.2).
///
/// With the defaults, requests go out at 0, 500, 1500, 3500, 7500, 15500 and 31500 ms, and the transaction fails at 39500 ms.
public struct RetransmissionSchedule: Hashable, Sendable {
    /// RTO: the first interval, doubled after each repetition. "In fixed-line access links, a value of 500 ms is RECOMMENDED."
    public var retransmissionTimeout: Duration

    /// Rc: how many requests are sent in all, at least 1. "Rc SHOULD be configurable and SHOULD have a default of 7."
    public var requestLimit: Int

    /// Rm: how many RTO to wait behind the last request. "Rm SHOULD be configurable and SHOULD have a default of 16."
    public var finalWaitFactor: Int

    /// How many of the first requests follow each other one RTO apart before the intervals begin to double, at least 1. The RFC's is 1.
    public var evenRequests: Int

    /// Ti: how long to wait on a reliable transport. "Ti SHOULD be configurable and SHOULD have a default of 39.5 s."
    public var reliableTimeout: Duration

    /// A schedule, the RFC's unless told otherwise.
    public init(
        retransmissionTimeout: Duration = .milliseconds(500), requestLimit: Int = 7, finalWaitFactor: Int = 16,
        evenRequests: Int = 1, reliableTimeout: Duration = .milliseconds(39_500)
    ) {
        self.retransmissionTimeout = retransmissionTimeout
        self.requestLimit = requestLimit
        self.finalWaitFactor = finalWaitFactor
        self.evenRequests = evenRequests
        self.reliableTimeout = reliableTimeout
    }

    private static let largestFactor = 1 << 50

    /// How long to wait behind the n-th request (from 1) for the next one, or for the end behind the last.
    func interval(after transmission: Int) -> Duration {
        retransmissionTimeout * factor(after: transmission)
    }

    /// The same in RTO.
    private func factor(after transmission: Int) -> Int {
        guard transmission < requestLimit else { return min(max(finalWaitFactor, 1), Self.largestFactor / 2) }
        // The bound keeps absurd limits from overflowing; 2^40 RTO are never reached.
        return 1 << min(max(transmission - max(evenRequests, 1), 0), 40)
    }

    /// How long it is from the first request to the end, where none is answered.
    package var timeout: Duration { remainder(after: 1) }

    /// How long to wait behind the n-th request for the end, were the rest of the schedule to pass in silence.
    func remainder(after transmission: Int) -> Duration {
        var factors = factor(after: max(transmission, requestLimit))
        guard transmission < requestLimit else { return retransmissionTimeout * factors }
        // One RTO behind each of the first requests.
        let lastEven = min(max(evenRequests, 1), requestLimit - 1)
        factors += min(max(lastEven - transmission + 1, 0), Self.largestFactor / 2)
        var next = max(transmission, lastEven + 1)
        while next < requestLimit, factors < Self.largestFactor {
            factors = min(factors + factor(after: next), Self.largestFactor)
            next += 1
        }
        return retransmissionTimeout * factors
    }
}
