/// What the operating system, or the simulated network, said when a network operation did not work.
///
/// ```swift
/// do {
///     _ = try UDPSocket(on: loop, boundTo: address)
/// } catch {
///     if error.code == .addressInUse { print("somebody else has \(address)") }
/// }
/// ```
public struct NetworkError: Error, Hashable, Sendable {
    /// The kinds of fault that callers tell apart; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `connectionRefused`.
        public let description: String
        private init(_ name: String) { description = name }

        /// The address and port are taken (EADDRINUSE).
        public static let addressInUse = Code("addressInUse")
        /// No interface of this machine has the address (EADDRNOTAVAIL).
        public static let addressNotAvailable = Code("addressNotAvailable")
        /// Nobody listens there (ECONNREFUSED, ICMP port unreachable).
        public static let connectionRefused = Code("connectionRefused")
        /// The other end broke the connection off (ECONNRESET, EPIPE).
        public static let connectionReset = Code("connectionReset")
        /// The other end closed the connection in order (end of file).
        public static let endOfStream = Code("endOfStream")
        /// There is no connection to the destination, and this end makes none (ENOTCONN).
        public static let notConnected = Code("notConnected")
        /// No way to the host (EHOSTUNREACH, EHOSTDOWN).
        public static let hostUnreachable = Code("hostUnreachable")
        /// No way to the network (ENETUNREACH, ENETDOWN).
        public static let networkUnreachable = Code("networkUnreachable")
        /// A firewall or a missing privilege forbids it (EPERM, EACCES).
        public static let notPermitted = Code("notPermitted")
        /// The datagram is larger than the path or the socket takes (EMSGSIZE).
        public static let messageTooLarge = Code("messageTooLarge")
        /// The socket's buffer is full; try again later (EAGAIN, ENOBUFS).
        public static let wouldBlock = Code("wouldBlock")
        /// The name has no address (EAI_NONAME, EAI_NODATA).
        public static let nameNotFound = Code("nameNotFound")
        /// It took too long (ETIMEDOUT).
        public static let timedOut = Code("timedOut")
        /// It was given up before it ended (ECANCELED).
        public static let cancelled = Code("cancelled")
        /// The arguments do not fit (EINVAL, EAFNOSUPPORT).
        public static let invalidArgument = Code("invalidArgument")
        /// The handle was closed before.
        public static let closed = Code("closed")
        /// Out of descriptors or memory (EMFILE, ENFILE, ENOMEM).
        public static let outOfResources = Code("outOfResources")
        /// Anything else; see ``NetworkError/name``.
        public static let other = Code("other")
    }

    /// The kind of fault.
    public let code: Code

    /// The system's name for it, such as `ECONNREFUSED`.
    public let name: String

    /// What was being done, with its subject, such as `bind 192.0.2.1:3478`.
    public let operation: String

    /// What to do about it, where the operation tells enough for that; nil elsewhere.
    public let advice: String?

    /// A fault of a kind, with the system's name for it, in an operation.
    public init(_ code: Code, name: String, operation: String, advice: String? = nil) {
        self.code = code
        self.name = name
        self.operation = operation
        self.advice = advice
    }
}

extension NetworkError: CustomStringConvertible {
    /// `send to 192.0.2.1:3478: EMSGSIZE`, and the advice behind it where there is one.
    public var description: String { advice.map { "\(operation): \(name); \($0)" } ?? "\(operation): \(name)" }
}
