import NetBase

/// Whether the peer still shows itself on a path, and when to ask it to (RFC 8445 §12 leaves that open).
///
/// Whatever comes from the peer is a sign of life, data included; consent is another matter and has a monitor of its own.
///
/// ```
///               data sent             500 ms without a sign
///   Quiet ─────────────────▶ Expecting ─────────────────────┐
///     ├──────────────────────────────────────────────────▶ Asking ──▶ doubtful ──▶ silent
///     │        4 s without a sign, or a consent check         │     3 unanswered     5 s without a sign
///     └◀──────────────────── a sign of life ──────────────────┘
/// ```
struct LivenessMonitor {
    /// Requests that nothing has come back for yet.
    private struct Asking {
        let since: Instant
        var last: Instant
        var count = 1
        /// How long an answer takes, generously.
        let patience: Duration

        /// The first few follow each other quickly, as one may be lost.
        var next: Instant { last + patience * (1 << max(0, min(count - LivenessMonitor.requestsBeforeDoubt, 6))) }
        var doubtBegin: Instant? { count >= LivenessMonitor.requestsBeforeDoubt ? last + patience : nil }
    }

    /// When there was a sign of life last.
    private(set) var heardAt: Instant
    /// Since when data has been sent without anything coming back.
    private var expectingSince: Instant?
    private var asking: Asking?
    /// How long nothing may be heard before the peer is asked; a little different each time, so that clients do not ask in step.
    private var quietLimit = Duration.seconds(4)
    /// When nothing has been heard for so long.
    private var quietEnd: Instant
    /// Whether the peer was asked several times and has not answered in the time that an answer takes.
    private(set) var isDoubtful = false
    /// Whether the peer seems to be gone: for 5 s nothing has come, though it was asked.
    private(set) var isSilent = false

    /// Data that is sent is answered by something sooner than this, or the path is looked at.
    private static let replyTime = Duration.milliseconds(500)
    private static let requestsBeforeDoubt = 3
    private static let silenceLimit = Duration.seconds(5)
    /// A machine that wakes up after a long sleep has heard nothing for as long: the peer gets this time to answer.
    private static let leastAskingTime = Duration.milliseconds(600)
    private static let patienceRange = Duration.milliseconds(100)...Duration.milliseconds(400)
    private static let greatestInterval = Duration.seconds(1)

    init(at now: Instant, using generator: inout some RandomNumberGenerator) {
        heardAt = now
        quietEnd = now
        vary(using: &generator)
    }

    private mutating func vary(using generator: inout some RandomNumberGenerator) {
        // RFC 7675 §5.1: 4 s at the least, as it is a consent check too; and time is left to ask before the peer counts as silent.
        quietLimit = .milliseconds(4_000 + Int64(generator.next() % 401))
        quietEnd = heardAt + quietLimit
    }

    /// When ``advance(to:)`` wants to be called next.
    var deadline: Instant {
        guard let asking else {
            return expectingSince.map { min(quietEnd, $0 + Self.replyTime) } ?? quietEnd
        }
        var first = nextRequest(asking)
        if !isDoubtful, let doubt = asking.doubtBegin { first = min(first, doubt) }
        if !isSilent { first = min(first, silenceBegin(asking)) }
        return first
    }

    /// Since when the peer has been asked more than once; nil while it has not.
    var repeatedSince: Instant? { asking.flatMap { $0.count > 1 ? $0.since : nil } }

    /// Whether the peer has been asked, and has shown no sign of life since.
    var isAsking: Bool { asking != nil }

    /// Whether something that was sent has gone unanswered, data or a request.
    var isMissingReply: Bool { expectingSince != nil || repeatedSince != nil }

    /// Whether a reply to data is waited for, so that more data changes nothing.
    var isExpecting: Bool { expectingSince != nil || asking != nil }

    private func nextRequest(_ asking: Asking) -> Instant {
        min(asking.next, asking.last + max(Self.greatestInterval, asking.patience))
    }

    private func silenceBegin(_ asking: Asking) -> Instant {
        max(heardAt + Self.silenceLimit, asking.since + Self.leastAskingTime)
    }

    // MARK: Inputs

    /// There was a sign of life.
    mutating func heard(at instant: Instant) {
        guard instant >= heardAt else { return }
        heardAt = instant
        quietEnd = instant + quietLimit
        if let expecting = expectingSince, instant >= expecting { expectingSince = nil }
        guard let known = asking, instant >= known.since else { return }
        asking = nil
        (isDoubtful, isSilent) = (false, false)
    }

    /// Data was sent.
    mutating func sentData(at instant: Instant) {
        if !isExpecting { expectingSince = max(instant, heardAt) }
    }

    /// A request was sent, whose answer takes about a round trip.
    mutating func asked(at now: Instant, roundTrip: Duration?, using generator: inout some RandomNumberGenerator) {
        if asking == nil {
            vary(using: &generator)
            let range = Self.patienceRange
            let roundTrip = roundTrip ?? range.lowerBound
            let patience = min(max(roundTrip * 2, range.lowerBound), range.upperBound)
            asking = Asking(since: now, last: now, patience: max(patience, roundTrip * 1.25 + range.lowerBound / 2))
        } else {
            asking?.last = now
            asking?.count += 1
        }
    }

    /// Whether the peer is to be asked now; then tell ``asked(at:roundTrip:)``.
    mutating func advance(to now: Instant) -> Bool {
        guard let asking else {
            return now >= quietEnd || expectingSince.map { now >= $0 + Self.replyTime } == true
        }
        if let doubt = asking.doubtBegin, now >= doubt { isDoubtful = true }
        if now >= silenceBegin(asking) { isSilent = true }
        return now >= nextRequest(asking)
    }
}
