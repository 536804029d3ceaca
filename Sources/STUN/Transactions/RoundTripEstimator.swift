import NetBase

/// Learns the retransmission timeout from round trips (RFC 6298 §2), to the millisecond as RFC 8489 §6.2.1 asks.
package struct RoundTripEstimator: Hashable, Sendable {
    /// G of RFC 6298. "The value of RTO SHOULD NOT be rounded up to the nearest second. Rather, a 1 ms accuracy SHOULD be
    /// maintained."
    private static let granularity = Duration.milliseconds(1)

    private let initial: Duration
    private let range: ClosedRange<Duration>
    private var variation = Duration.zero

    /// The smoothed round-trip time, nil before the first sample.
    package private(set) var smoothed: Duration?

    /// An estimator without samples; the timeout never leaves floor and ceiling.
    package init(
        initial: Duration = .milliseconds(500), floor: Duration = .milliseconds(500), ceiling: Duration = .seconds(60)
    ) {
        range = floor...max(floor, ceiling)
        self.initial = min(max(initial, range.lowerBound), range.upperBound)
    }

    /// Takes a round trip in; only of requests that were sent once (Karn's algorithm).
    package mutating func add(_ sample: Duration) {
        let sample = max(sample, .zero)
        guard let before = smoothed else {
            smoothed = sample
            variation = sample / 2
            return
        }
        let deviation = before > sample ? before - sample : sample - before
        variation = (variation * 3 + deviation) / 4
        smoothed = (before * 7 + sample) / 8
    }

    /// RTO: "SRTT + max (G, K*RTTVAR)" with K = 4, in whole milliseconds.
    package var retransmissionTimeout: Duration {
        guard let smoothed else { return initial }
        let exact = smoothed + max(Self.granularity, variation * 4)
        let milliseconds = Int64(exact / Self.granularity)
        let rounded = Duration.milliseconds(milliseconds)
        return min(max(rounded < exact ? rounded + Self.granularity : rounded, range.lowerBound), range.upperBound)
    }
}
