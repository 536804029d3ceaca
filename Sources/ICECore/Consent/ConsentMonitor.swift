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
        /// Send a fresh request, once.
        case check
        /// Stop sending.
        case expired
    }

    /// A request that may still be answered in time.
    private struct Pending {
        let id: STUNTransactionID
        let sentAt: Instant
    }

    private let interval: Duration
    private let timeout: Duration
    private(set) var nextCheck: Instant
    private var confirmedAt: Instant
    private var heardAt: Instant
    private var pending: [Pending] = []
    private var isExpired = false
    /// When the second of two unanswered checks has had its time.
    private var doubtAt: Instant?

    /// How long a check may be on its way before it counts as unanswered.
    private static let answerTime = Duration.seconds(1)

    /// Starts with the consent that the last answered connectivity check expressed.
    init(
        interval: Duration, timeout: Duration, confirmedAt: Instant, at now: Instant,
        using generator: inout some RandomNumberGenerator
    ) {
        // RFC 7675 §5.1: "the default consent check interval is 5 s", "MUST NOT be set below 4 s" with its variation.
        self.interval = max(interval, .seconds(5))
        self.timeout = timeout
        self.confirmedAt = confirmedAt
        heardAt = now
        nextCheck = now
        nextCheck = now + jittered(using: &generator)
    }

    /// RFC 7675 §5.1: "randomized from 0.8 to 1.2 of the basic period".
    private func jittered(using generator: inout some RandomNumberGenerator) -> Duration {
        interval * Double.random(in: 0.8...1.2, using: &generator)
    }

    var deadline: Instant? { isExpired ? nil : min(nextCheck, confirmedAt + timeout, doubtAt ?? nextCheck) }

    /// Whether the peer seems to be gone: two checks in a row went unanswered, and it has sent none itself since the first of them.
    private(set) var isSilent = false

    /// The peer sent an authenticated check of its own. That is a sign of life, not consent.
    mutating func heard(at now: Instant) {
        heardAt = now
        isSilent = false
    }

    mutating func advance(to now: Instant, using generator: inout some RandomNumberGenerator) -> Step? {
        guard !isExpired else { return nil }
        if now >= confirmedAt + timeout {
            isExpired = true
            return .expired
        }
        if let doubt = doubtAt, now >= doubt {
            doubtAt = nil
            isSilent = pending.count >= 2 && heardAt < pending[pending.count - 2].sentAt
        }
        guard now >= nextCheck else { return nil }
        // RFC 7675 §5.1: the timer does not wait for a response.
        nextCheck = now + jittered(using: &generator)
        return .check
    }

    /// Notes a request that was sent; at most the timeout's worth of them is remembered.
    mutating func sent(_ id: STUNTransactionID, at now: Instant) {
        pending.removeAll { now >= $0.sentAt + timeout }
        pending.append(Pending(id: id, sentAt: now))
        if pending.count >= 2 { doubtAt = now + Self.answerTime }
    }

    func isWaiting(for id: STUNTransactionID) -> Bool {
        pending.contains { $0.id == id }
    }

    /// Takes an authenticated answer from the right address, and gives the round trip it took.
    mutating func answered(_ id: STUNTransactionID, at now: Instant) -> Duration? {
        guard !isExpired, let index = pending.firstIndex(where: { $0.id == id }) else { return nil }
        let roundTrip = now - pending[index].sentAt
        pending.removeSubrange(...index)
        doubtAt = nil
        isSilent = false
        confirmedAt = now
        return roundTrip
    }

    /// The peer said 403: consent ends at once (RFC 7675 §5.2).
    mutating func revoke() {
        isExpired = true
    }
}
