package import NetBase

/// The retransmission timeouts learned from servers, by IP address (RFC 8489 §6.2.1).
///
/// It keeps as many servers as a client may reasonably ask, and forgets the one that was used least recently beyond that.
package struct RoundTripCache {
    /// "The value SHOULD be considered stale and discarded if no transactions have occurred to the same server in the last 10
    /// minutes."
    package static let idleLimit = Duration.seconds(600)

    /// How many servers are remembered.
    package static let capacity = 64

    private struct Entry {
        var estimator: RoundTripEstimator
        var lastUsed: Instant
    }

    private var entries: [IPAddress: Entry] = [:]
    private let fresh: RoundTripEstimator

    /// A cache whose estimators all start like the one given.
    package init(_ fresh: RoundTripEstimator) {
        self.fresh = fresh
    }

    /// How many servers are remembered now.
    package var count: Int { entries.count }

    /// The timeout to start a transaction with; this counts as use of the server.
    package mutating func retransmissionTimeout(for server: IPAddress, at now: Instant) -> Duration {
        touch(server, at: now).retransmissionTimeout
    }

    /// Takes a round trip in; only of requests that were sent once.
    package mutating func add(_ sample: Duration, for server: IPAddress, at now: Instant) {
        var estimator = touch(server, at: now)
        estimator.add(sample)
        entries[server] = Entry(estimator: estimator, lastUsed: now)
    }

    private mutating func touch(_ server: IPAddress, at now: Instant) -> RoundTripEstimator {
        var estimator = fresh
        if let entry = entries[server], now - entry.lastUsed < Self.idleLimit { estimator = entry.estimator }
        entries[server] = Entry(estimator: estimator, lastUsed: now)
        if entries.count > Self.capacity, let oldest = entries.min(by: { $0.value.lastUsed < $1.value.lastUsed }) {
            entries[oldest.key] = nil
        }
        return estimator
    }
}
