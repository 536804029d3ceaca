/// Why there is no mapping of a port.
public struct PortMappingError: Error, Hashable, Sendable {
    /// The kinds of fault that callers tell apart; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `noGateway`.
        public let description: String
        private init(_ name: String) { description = name }

        /// There is no router to ask, or the address is not one that the router sees this machine at.
        public static let noGateway = Code("noGateway")
        /// The router does not answer, or does not speak the protocol.
        public static let unsupported = Code("unsupported")
        /// The router's rules forbid it.
        public static let refused = Code("refused")
        /// The router has no address of its own outside, at the moment.
        public static let networkFailure = Code("networkFailure")
        /// The router has no room for more mappings.
        public static let outOfResources = Code("outOfResources")
        /// Another system call or answer did not work.
        public static let other = Code("other")
    }

    /// The kind of fault.
    public let code: Code

    /// What is wrong and what to do about it.
    public let message: String

    /// A fault of a mapper's own.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension PortMappingError: CustomStringConvertible {
    /// `noGateway: …`.
    public var description: String { "\(code): \(message)" }
}
