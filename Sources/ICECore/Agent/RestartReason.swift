/// Why a call needs an ICE restart, which only the application can signal (RFC 8445 §9).
public struct RestartReason: Hashable, Sendable {
    /// The reasons that callers tell apart; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `pathLost`.
        public let description: String
        private init(_ name: String) { description = name }

        /// A component's pair is lost and no other one works.
        public static let pathLost = Code("pathLost")
        /// The local address of a component's pair is gone and no other pair works.
        public static let addressLost = Code("addressLost")
        /// Another pair works better than the one in use, and the agents have not agreed on later nominations.
        public static let betterPath = Code("betterPath")
    }

    /// The reason.
    public let code: Code

    /// What happened, in words.
    public let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension RestartReason: CustomStringConvertible {
    /// `pathLost: …`.
    public var description: String { "\(code): \(message)" }
}
