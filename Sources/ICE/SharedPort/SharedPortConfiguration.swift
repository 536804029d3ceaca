public import NetBase

/// How a ``SharedPort`` works.
public struct SharedPortConfiguration: Sendable {
    /// The port, the same on every address; 0 takes one that is free.
    public var port: UInt16 = 0

    /// Whether the port is open for TCP, too, for clients that have ``CandidateTransports/tcp`` among their transports: who connects is handed to
    /// the client that the first check asks for (RFC 6544 §7.2). With ``isCommonToLoops`` it comes to one of the loops, which has to have that
    /// client, or make it.
    public var takesConnections = false

    /// The addresses of this machine to be reached at, loopback ones among them if they are named. Nil takes all that the interfaces have
    /// when the port is opened, but link-local ones and, unless ``includesLoopback`` is set, loopback ones; and those that come later as
    /// soon as a client gathers on them.
    public var addresses: [IPAddress]?

    /// Whether 127.0.0.1 and ::1 are among the addresses where none are named: for tests, and for peers on the same machine.
    ///
    /// Where a port is open on loopback addresses, its clients gather on them as if their ``ICEConfiguration/includesLoopback`` was set.
    public var includesLoopback = false

    /// Whether other loops may open the same port too (SO_REUSEPORT): the system then spreads the peers over them by their addresses.
    ///
    /// Each peer's datagrams come to one of the loops, which has to be the one that its client is on: make clients on demand, in
    /// ``SharedPort/onUnknownUsername``.
    public var isCommonToLoops = false

    /// The DSCP of all that is sent, 0 to 63 (RFC 8837); nil leaves it to the system. That of a client's own configuration does not count.
    public var differentiatedServicesCodePoint: UInt8?

    /// The receive buffer to ask for on each address, in bytes; the system may give less (`net.core.rmem_max` on Linux). All calls
    /// share it, so that it is what stands between a busy moment of the loop and lost datagrams. Nil leaves the system's.
    public var receiveBufferSize: Int? = 4 << 20

    /// The send buffer to ask for on each address, in bytes; nil leaves the system's.
    public var sendBufferSize: Int?

    /// How many checks with an unknown username ``SharedPort/onUnknownUsername`` is told of in a second, and at once; the others are
    /// dropped and counted. 1 at least.
    ///
    /// Of those from one address (or /56 of IPv6) no more than a quarter is told, so that it does not keep others out. Against sources that
    /// are all forged nothing helps but a firewall, or signalling ahead of the checks.
    public var unknownUsernamesPerSecond = 1000

    /// A free port on all addresses.
    public init() {}

    /// A port on some addresses, or on all.
    public init(port: UInt16, addresses: [IPAddress]? = nil) {
        self.port = port
        self.addresses = addresses
    }
}
