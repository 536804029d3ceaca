/// How far a session has come, in WebRTC's words (`RTCIceTransportState`).
public enum ICEState: String, Hashable, Sendable, CaseIterable, Encodable {
    /// Nothing to check yet.
    case new
    /// Pairs are checked, none works yet.
    case checking
    /// Every component has a valid pair that carries data; checks or candidates may still come.
    case connected
    /// Every component has its nominated pair, and neither side will bring more candidates.
    case completed
    /// The peer has not answered for a while; it may come back by itself.
    case disconnected
    /// No pair works, or none does any more. Only a restart leads out.
    case failed
    /// Closed by the application.
    case closed
}

/// How far gathering has come (`RTCIceGathererState`).
public enum ICEGatheringState: String, Hashable, Sendable, CaseIterable, Encodable {
    /// Not begun.
    case new
    /// Under way.
    case gathering
    /// All candidates of this generation have been handed out.
    case complete
}

/// Why a session failed.
public struct ICEFailure: Error, Hashable, Sendable {
    /// The reasons that callers tell apart; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `checksFailed`.
        public let description: String
        private init(_ name: String) { description = name }

        /// There was no pair of candidates that could have been checked.
        public static let noCandidatePairs = Code("noCandidatePairs")
        /// Every pair was checked and none worked.
        public static let checksFailed = Code("checksFailed")
        /// The selected pair worked, then the peer stopped answering (RFC 7675).
        public static let consentExpired = Code("consentExpired")
        /// The selected pair's relay is gone.
        public static let relayLost = Code("relayLost")
        /// The selected pair's local address is gone.
        public static let addressLost = Code("addressLost")
        /// The peer asked for no more to be sent (RFC 7675 §5.2).
        public static let consentRevoked = Code("consentRevoked")
    }

    /// The reason.
    public let code: Code

    /// What happened and what may help, in words.
    public let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension ICEFailure: CustomStringConvertible {
    /// `checksFailed: …`.
    public var description: String { "\(code): \(message)" }
}
