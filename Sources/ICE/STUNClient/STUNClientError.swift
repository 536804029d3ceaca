public import NetBase
public import STUN

/// Why a ``STUNClient`` could not be made, or one of its requests came to nothing.
public struct STUNClientError: Error, Hashable, Sendable {
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
        /// The request could not be handed to the network.
        public static let sendFailed = Code("sendFailed")
        /// The server's certificate is for another host: nothing was sent to it (RFC 8489 §6.2.3).
        public static let certificateHostMismatch = Code("certificateHostMismatch")
        /// The server's certificate is not trusted, out of date, or not the pinned one: nothing was sent to it.
        public static let certificateRejected = Code("certificateRejected")
        /// The TLS or DTLS handshake failed, or the session broke.
        public static let tlsFailed = Code("tlsFailed")
        /// The server's stream holds something else than STUN.
        public static let notSTUN = Code("notSTUN")
        /// Answers came, but none was signed as it had to be (RFC 8489 §9.1.4).
        public static let integrityViolation = Code("integrityViolation")
        /// The answer has attributes that must be understood and are not (RFC 8489 §6.3.3).
        public static let unknownAttributes = Code("unknownAttributes")
        /// The answer lacks what it must have: the mapped address, or the error's code.
        public static let malformedResponse = Code("malformedResponse")
        /// Nobody answered but with an error that was not signed as it had to be, so that it may not be believed (RFC 8489 §9.2.5).
        public static let unauthenticatedError = Code("unauthenticatedError")
        /// The server answered a discovery's first request with an error (RFC 5780 §5.2).
        public static let refused = Code("refused")
        /// Too many requests wait already, or a discovery of NAT behaviour runs.
        public static let tooManyRequests = Code("tooManyRequests")
    }

    /// The kind of fault.
    public let code: Code

    /// What is wrong, and what to do about it where that can be told.
    public let message: String

    /// What the system said, where it was asked.
    public let networkError: NetworkError?

    /// The request that failed; nil where the client could not be made.
    public let transactionID: STUNTransactionID?

    init(
        _ code: Code, _ message: String, networkError: NetworkError? = nil, transactionID: STUNTransactionID? = nil
    ) {
        self.code = code
        self.message = message
        self.networkError = networkError
        self.transactionID = transactionID
    }

    func of(_ id: STUNTransactionID) -> STUNClientError {
        STUNClientError(code, message, networkError: networkError, transactionID: id)
    }
}

extension STUNClientError: CustomStringConvertible {
    /// `nameResolutionFailed: …`.
    public var description: String { "\(code): \(message)" }
}

extension STUNClientError {
    /// What to tell of a transaction that ended without an answer; nil for a plain timeout, which is an event of its own.
    init?(_ failure: TransactionFailure, of id: STUNTransactionID, unauthenticated: STUNMessage.ErrorCode?) {
        switch failure {
        case .timeout:
            guard let error = unauthenticated else { return nil }
            self.init(
                .unauthenticatedError,
                "the only answer was \(error.code) \(error.reason), which nobody had signed; is the request in order?",
                transactionID: id)
        case .integrityViolation:
            let hint = unauthenticated.map { "; one of them said \($0.code) \($0.reason)" } ?? ""
            self.init(
                .integrityViolation, "the answers were not signed with the password of the request; check it\(hint)",
                transactionID: id)
        case .unknownAttributes(let types):
            let list = types.map { String($0, radix: 16) }.joined(separator: ", ")
            self.init(
                .unknownAttributes, "the answer has attributes that nobody knows (\(list)); ask another server",
                transactionID: id)
        case .malformedResponse:
            self.init(
                .malformedResponse, "the error response has no right ERROR-CODE; ask another server", transactionID: id)
        }
    }
}

extension STUNClientError {
    /// What the link's fault is to the client's user.
    init(_ error: LinkError) {
        let code: Code =
            switch error.kind {
            case .nameResolution: .nameResolutionFailed
            case .connection: .connectionFailed
            case .unreachable: .unreachable
            case .certificateHostMismatch: .certificateHostMismatch
            case .certificateRejected: .certificateRejected
            case .tls: .tlsFailed
            case .framing: .notSTUN
            }
        self.init(code, error.message, networkError: error.networkError)
    }
}
