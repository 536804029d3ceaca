/// Text from outside that could not be used: a candidate line, a description, credentials or a server's URL.
public struct ICESyntaxError: Error, Hashable, Sendable {
    /// The kinds of text that callers tell apart; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `malformedCandidate`.
        public let description: String
        private init(_ name: String) { description = name }

        /// Not a candidate line of RFC 8839 §5.1.
        public static let malformedCandidate = Code("malformedCandidate")
        /// A candidate line of a type, transport or address that this agent does not know; leave it out and go on.
        public static let unsupportedCandidate = Code("unsupportedCandidate")
        /// A username fragment or password outside RFC 8839 §5.4.
        public static let malformedCredentials = Code("malformedCredentials")
        /// Not a session description with ICE attributes.
        public static let malformedDescription = Code("malformedDescription")
        /// Not a `stun:`, `stuns:`, `turn:` or `turns:` URL (RFC 7064, RFC 7065).
        public static let malformedServerURL = Code("malformedServerURL")
        /// A well-formed URL that does not fit where it was given.
        public static let unsupportedServer = Code("unsupportedServer")
        /// A TURN URL without the username and credential that every TURN server asks for.
        public static let missingCredential = Code("missingCredential")
    }

    /// What kind of text it was.
    public let code: Code

    /// What is wrong with it, and what would be right.
    public let message: String

    /// A fault, with the offending text, shortened, in its message.
    package init(_ code: Code, _ why: String, in text: String) {
        self.code = code
        let shown = text.prefix(120).filter { !$0.isNewline }
        message = "\(why), in: \(shown)\(text.count > 120 ? "…" : "")"
    }

    /// A fault whose text must not be shown, because it is, or may hold, a secret.
    package init(_ code: Code, withholdingText why: String) {
        self.code = code
        message = why
    }
}

extension ICESyntaxError: CustomStringConvertible {
    /// `malformedCandidate: the port is missing, in: candidate:1 …`.
    public var description: String { "\(code): \(message)" }
}
