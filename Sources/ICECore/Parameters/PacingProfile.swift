package import STUN

/// How fast an agent sends its checks (RFC 8445 §14).
///
/// ```swift
/// var pacing = PacingProfile.fast
/// pacing.pacingInterval = .milliseconds(20)
/// configuration.pacing = pacing
/// ```
public struct PacingProfile: Hashable, Sendable {
    /// Ta: the time between two new STUN transactions, 5 ms or more. Signalled to the peer as `ice-pacing`.
    public var pacingInterval: Duration

    /// The time between two new transactions of all agents of the process; nil does not hold agents back for each other.
    ///
    /// RFC 8445 §14.2: "the combination of all transactions from all agents […] MUST NOT be sent more often than once every 5 ms".
    public var processSpacing: Duration?

    /// The retransmission timeout that checks start with, and the least that gathering uses.
    public var initialRetransmissionTimeout: Duration

    /// The least that measured round trips may bring a check's retransmission timeout down to; nil does not use measurements, and
    /// grows the timeout with the number of checks as RFC 8445 §14.3 has it.
    public var measuredTimeoutFloor: Duration?

    /// How many requests of a check, and of gathering, follow each other one retransmission timeout apart before the intervals begin to
    /// double: where datagrams get lost, the next one soon does better than a long wait.
    public var evenRequests = 1

    /// Whether a peer that names no Ta counts as naming 50 ms (RFC 8839 §5.5).
    package var assumesDefaultOfSilentPeer: Bool

    /// RFC 8445 as written: Ta 50 ms, one transaction in 5 ms per process, timeouts of 500 ms and more.
    public static let standard = PacingProfile(
        pacingInterval: defaultPacingInterval, processSpacing: .milliseconds(5),
        initialRetransmissionTimeout: .milliseconds(500), measuredTimeoutFloor: nil, assumesDefaultOfSilentPeer: true)

    /// For applications that control both ends, or follow browsers' practice: Ta 5 ms, timeouts from measured round trips, and some
    /// requests before the intervals double.
    public static let fast = PacingProfile(
        pacingInterval: .milliseconds(5), processSpacing: .milliseconds(5),
        initialRetransmissionTimeout: .milliseconds(250), measuredTimeoutFloor: .milliseconds(100), evenRequests: 4,
        assumesDefaultOfSilentPeer: false)

    /// As ``fast``, without spacing the agents of the process against each other: for servers with many of them.
    public static let server = PacingProfile(
        pacingInterval: .milliseconds(5), processSpacing: nil, initialRetransmissionTimeout: .milliseconds(250),
        measuredTimeoutFloor: .milliseconds(100), evenRequests: 4, assumesDefaultOfSilentPeer: false)

    /// RFC 8445 §14.2: no more often "than once every 5 ms", whatever was configured.
    private static let fastest = Duration.milliseconds(5)

    /// A peer may slow the checks down, but not stop them.
    private static let slowestAccepted = Duration.seconds(1)

    /// RFC 8445 §14.2: "ICE agents SHOULD use a default Ta value, 50 ms".
    package static let defaultPacingInterval = Duration.milliseconds(50)

    /// Nobody repeats more often.
    private static let mostEvenRequests = 1_000_000

    /// What requests follow whose first interval is given: even at first, and going on for as long as the RFC's would.
    package func schedule(_ retransmissionTimeout: Duration) -> RetransmissionSchedule {
        var schedule = RetransmissionSchedule(retransmissionTimeout: retransmissionTimeout)
        schedule.evenRequests = min(max(evenRequests, 1), Self.mostEvenRequests)
        schedule.requestLimit += schedule.evenRequests - 1
        return schedule
    }

    /// The Ta that both agents use: "Both agents MUST use the higher value of the proposed values" (RFC 8445 §14.2).
    package func agreedInterval(remote: ICEParameters?) -> Duration {
        let pacingInterval = max(pacingInterval, Self.fastest)
        guard let remote else { return pacingInterval }
        let silent = assumesDefaultOfSilentPeer ? Self.defaultPacingInterval : pacingInterval
        return max(pacingInterval, min(remote.pacingInterval ?? silent, Self.slowestAccepted))
    }
}
