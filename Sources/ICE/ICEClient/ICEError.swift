/// Why a call on a client could not be carried out; what goes wrong later arrives as an event.
public struct ICEError: Error, Hashable, Sendable {
    /// The kinds of fault that callers tell apart; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `notConnected`.
        public let description: String
        private init(_ name: String) { description = name }

        /// The client was closed.
        public static let closed = Code("closed")
        /// There is no pair that carries data: none is valid yet, or the peer's consent has run out.
        public static let notConnected = Code("notConnected")
        /// The socket's buffer is full, so that the datagram was dropped; send again later, as over any lossy path.
        public static let wouldBlock = Code("wouldBlock")
        /// The datagram is larger than the socket takes.
        public static let messageTooLarge = Code("messageTooLarge")
        /// The peer's credentials of this generation are known already and are other ones: call ``ICEClient/restart()`` first.
        public static let remoteParametersAlreadySet = Code("remoteParametersAlreadySet")
        /// The local description is fixed once gathering has begun.
        public static let gatheringHasBegun = Code("gatheringHasBegun")
        /// A candidate names no stream: `TypeError` of webrtc-pc.
        public static let candidateWithoutStream = Code("candidateWithoutStream")
        /// A candidate names a stream that there is not: `OperationError` of webrtc-pc.
        public static let unknownStream = Code("unknownStream")
        /// A candidate names another generation than the peer's present one.
        public static let unknownGeneration = Code("unknownGeneration")
        /// A signalled candidate has no candidate line of RFC 8839 §5.1.
        public static let malformedCandidate = Code("malformedCandidate")
        /// The description does not fit the streams there are.
        public static let descriptionMismatch = Code("descriptionMismatch")
        /// Another client of the shared port has the same username fragment.
        public static let usernameFragmentInUse = Code("usernameFragmentInUse")
    }

    /// The kind of fault.
    public let code: Code

    /// What is wrong and what to do about it.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension ICEError: CustomStringConvertible {
    /// `notConnected: …`.
    public var description: String { "\(code): \(message)" }
}

extension ICEError {
    static let closed = ICEError(.closed, "the client is closed; make a new one")

    static func notConnected(_ path: StreamComponent) -> ICEError {
        ICEError(.notConnected, "component \(path) has no valid pair; wait for the state connected")
    }
}
