public import NetBase
import STUN

/// Why a ``TURNClient`` could not be made, has no allocation, or lost the one it had.
public struct TURNClientError: Error, Hashable, Sendable {
    /// The kinds of fault that callers tell apart; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `nameResolutionFailed`.
        public let description: String
        private init(_ name: String) { description = name }

        /// The configuration makes no sense, such as an empty host or bad PEM; thrown by the initialiser.
        public static let invalidConfiguration = Code("invalidConfiguration")
        /// The server's name has no address.
        public static let nameResolutionFailed = Code("nameResolutionFailed")
        /// The socket could not be opened, or the connection not made, or it broke.
        public static let connectionFailed = Code("connectionFailed")
        /// The network says that the server cannot be reached (RFC 8489 §6.2.1: a hard ICMP error).
        public static let unreachable = Code("unreachable")
        /// The server's certificate is for another host: nothing was sent to it (RFC 8489 §6.2.3).
        public static let certificateHostMismatch = Code("certificateHostMismatch")
        /// The server's certificate is not trusted, out of date, or not the pinned one: nothing was sent to it.
        public static let certificateRejected = Code("certificateRejected")
        /// The TLS or DTLS handshake failed, or the session broke.
        public static let tlsFailed = Code("tlsFailed")
        /// The server's stream holds something else than STUN and ChannelData.
        public static let notTURN = Code("notTURN")
        /// The server did not answer in time.
        public static let timedOut = Code("timedOut")
        /// Answers came, but none that may be believed or understood.
        public static let badResponse = Code("badResponse")
        /// The server redirects in a circle, or to nowhere (RFC 8489 §10).
        public static let badRedirect = Code("badRedirect")
        /// The server has forgotten the allocation, or refuses to keep it.
        public static let allocationGone = Code("allocationGone")
    }

    /// The kind of fault.
    public let code: Code

    /// What is wrong, and what to do about it where that can be told.
    public let message: String

    /// What the system said, where it was asked.
    public let networkError: NetworkError?

    init(_ code: Code, _ message: String, networkError: NetworkError? = nil) {
        self.code = code
        self.message = message
        self.networkError = networkError
    }

    init(_ error: LinkError) {
        let code: Code =
            switch error.kind {
            case .nameResolution: .nameResolutionFailed
            case .connection: .connectionFailed
            case .unreachable: .unreachable
            case .certificateHostMismatch: .certificateHostMismatch
            case .certificateRejected: .certificateRejected
            case .tls: .tlsFailed
            case .framing: .notTURN
            }
        self.init(code, error.message, networkError: error.networkError)
    }
}

extension TURNClientError: CustomStringConvertible {
    /// `nameResolutionFailed: …`.
    public var description: String { "\(code): \(message)" }
}
