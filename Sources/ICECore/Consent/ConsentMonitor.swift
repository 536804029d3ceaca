import NetBase
import STUN

/// Whether the peer still consents to be sent to (RFC 7675 §5.1).
///
/// ```
///             answer                  no answer for 30 s, or 403
///   Granted ◀────────┐  Granted ───────────────────────────────▶ Expired
///      └─────────────┘
/// ```
struct ConsentMonitor {
    /// What became due.
    enum Step: Hashable {
        /// Send a fresh request, once, and tell ``ConsentMonitor/sent(_:at:using:)``.
        case check
        /// Stop sending.
        case expired
    }

    /// A request that may still be answered in time.
    struct Pending {
        let id: STUNTransactionID
        let sentAt: Instant
    }

    private let intervalNanoseconds: Int64
    private let timeout: Duration
    private(set) var nextCheck: Instant
    /// When consent runs out: so long after it was given last.
    private var expiry: Instant
    private(set) var pending: [Pending] = []
    private var isExpired = false
    /// Whether the peer was given time after a sleep, and has not answered since.
    private var hasWoken = false

    private static let pendingLimit = 64
    /// A check that is overdue by more than this says that the machine was asleep.
    private static let sleepThreshold = Duration.seconds(2)
    /// What the peer then gets to answer a fresh check, even if consent would have run out meanwhile.
    private static let wakeTime = Duration.seconds(2)

    /// Starts with the consent that the last answered connectivity check expressed.
    init(
        interval: Duration, timeout: Duration, confirmedAt: Instant, at now: Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        // RFC 7675 §5.1: "the default consent check interval is 5 s", "MUST NOT be set below 4 s" with its variation.
        intervalNanoseconds = max(interval, .seconds(5)).nanoseconds
        self.timeout = timeout
        expiry = confirmedAt + timeout
        nextCheck = now
        nextCheck = now + jittered(using: &generator)
    }

    /// RFC 7675 §5.1: "randomized from 0.8 to 1.2 of the basic period".
    private func jittered(using generator: inout some RandomNumberGenerator) -> Duration {
        .nanoseconds(intervalNanoseconds / 1000 * (800 + Int64(generator.next() % 401)))
    }

    var deadline: Instant? { isExpired ? nil : min(nextCheck, expiry) }

    mutating func advance(to now: Instant, using generator: inout some RandomNumberGenerator) -> Step? {
        guard !isExpired else { return nil }
        // Nothing could be asked while the machine slept, so that nobody has refused anything.
        if !hasWoken, now > nextCheck, now > nextCheck + Self.sleepThreshold {
            hasWoken = true
            expiry = max(expiry, now + Self.wakeTime)
        }
        if now >= expiry {
            isExpired = true
            return .expired
        }
        return now >= nextCheck ? .check : nil
    }

    /// Notes a request that was sent, by this monitor's word or another's; the latest are remembered for as long as they count.
    mutating func sent(_ id: STUNTransactionID, at now: Instant, using generator: inout some RandomNumberGenerator) {
        // RFC 7675 §5.1: the timer does not wait for a response.
        nextCheck = now + jittered(using: &generator)
        pending.removeAll { now >= $0.sentAt + timeout }
        if pending.count >= Self.pendingLimit { pending.removeFirst() }
        pending.append(Pending(id: id, sentAt: now))
    }

    func isWaiting(for id: STUNTransactionID) -> Bool {
        pending.contains { $0.id == id }
    }

    /// Takes an authenticated answer from the right address, and gives the round trip it took.
    mutating func answered(_ id: STUNTransactionID, at now: Instant) -> Duration? {
        guard !isExpired, let index = pending.firstIndex(where: { $0.id == id }) else { return nil }
        let roundTrip = now - pending[index].sentAt
        pending.removeSubrange(...index)
        // Of ten thousand clients that wait, each has one request under way for a moment, and a bad minute leaves nothing behind.
        if pending.isEmpty { pending = [] }
        expiry = now + timeout
        hasWoken = false
        return roundTrip
    }

    /// The peer said 403: consent ends at once (RFC 7675 §5.2).
    mutating func revoke() {
        isExpired = true
    }
}
