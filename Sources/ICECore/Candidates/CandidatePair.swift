package import NetBase

/// A local and a remote candidate of one component (RFC 8445 §6.1.2).
///
/// ```swift
/// if let pair = client.selectedPair() { print(pair, pair.isRelayed ? "over a relay" : "direct") }
/// ```
public struct CandidatePair: Hashable, Sendable {
    /// Which component of which stream it serves.
    public let path: StreamComponent

    /// This agent's end.
    public let local: Candidate

    /// The peer's end.
    public let remote: Candidate

    /// The pair's priority, higher is better (RFC 8445 §6.1.2.3).
    public let priority: UInt64

    /// Whether the controlling agent chose it for data.
    public let isNominated: Bool

    /// What names it on its checklist; nil for one that never was on any.
    package let pairID: PairID?

    /// A pair of candidates.
    package init(
        path: StreamComponent, local: Candidate, remote: Candidate, priority: UInt64, isNominated: Bool,
        pairID: PairID? = nil
    ) {
        self.path = path
        self.local = local
        self.remote = remote
        self.priority = priority
        self.isNominated = isNominated
        self.pairID = pairID
    }

    /// What names the pair in statistics and traces; empty for one that was never checked.
    public var id: String { pairID?.description ?? "" }
}

extension CandidatePair {
    /// Whether either end is a relay.
    public var isRelayed: Bool { local.kind == .relayed || remote.kind == .relayed }
}

extension CandidatePair: CustomStringConvertible {
    /// `192.0.2.1:50000 (host) - 198.51.100.2:40000 (srflx)`.
    public var description: String {
        "\(local.place) (\(local.kind.rawValue)) - \(remote.place) (\(remote.kind.rawValue))"
    }
}

/// Why a candidate pair's check failed.
public struct PairFailure: Error, Hashable, Sendable {
    /// The kinds of failure that callers tell apart; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `timeout`.
        public let description: String
        private init(_ name: String) { description = name }

        /// No answer came within the transaction's time (RFC 8445 §7.2.5.2.3), or no connection came up within ten seconds.
        public static let timeout = Code("timeout")
        /// The system or an ICMP message says that there is no way there (RFC 8445 §7.2.5.2.2).
        public static let unreachable = Code("unreachable")
        /// Nobody listens at the address.
        public static let refused = Code("refused")
        /// The answer came from, or to, another address than the request's (RFC 8445 §7.2.5.2.1).
        public static let asymmetric = Code("asymmetric")
        /// The peer answered with an error; ``PairFailure/message`` has its code and reason.
        public static let errorResponse = Code("errorResponse")
        /// Answers came, but none with the peer's key.
        public static let integrity = Code("integrity")
        /// The two agents could not agree on who controls.
        public static let roleConflict = Code("roleConflict")
        /// The local address is gone from this machine, or its interface is down.
        public static let addressLost = Code("addressLost")
        /// Another client of the same `SharedPort` has a call with the peer's address.
        public static let addressTaken = Code("addressTaken")
        /// The TURN server has given the relay up, or is gone.
        public static let relayLost = Code("relayLost")
        /// The TURN server does not let the peer's address in.
        public static let permissionRefused = Code("permissionRefused")
        /// The pair was in use and the peer stopped answering (RFC 7675 §5.1).
        public static let consentExpired = Code("consentExpired")
    }

    /// The kind of failure.
    public let code: Code

    /// What happened, in words.
    public let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package init(_ error: NetworkError) {
        let code: Code =
            switch error.code {
            case .connectionRefused: .refused
            case .addressInUse: .addressTaken
            case .timedOut: .timeout
            default: .unreachable
            }
        let advice = code == .refused ? "; nobody listens there any more, or a firewall answers in its place" : ""
        self.init(code, error.description + advice)
    }
}

extension PairFailure: CustomStringConvertible {
    /// `timeout: …`.
    public var description: String { "\(code): \(message)" }
}
