public import NetBase

/// A check whose username names no client of a ``SharedPort``. Nothing of it has been verified: its sender may be anybody.
public struct UnknownUsername: Hashable, Sendable {
    /// The username fragment that the client would have, to which the check is addressed.
    public let usernameFragment: String

    /// The username fragment that the sender gives as its own.
    public let remoteUsernameFragment: String

    /// Where the check came from, or seems to.
    public let source: TransportAddress

    /// The address of the port that it came to.
    public let localAddress: TransportAddress
}

/// How much has happened on a ``SharedPort``.
public struct SharedPortStatistics: Hashable, Sendable {
    /// The clients on the port that are not closed.
    public internal(set) var clients = 0

    /// Datagrams that belong to no client: no STUN and from no peer's address, answers that nobody waits for, or broken.
    public internal(set) var foreignDatagrams: UInt64 = 0

    /// Checks with an unknown username that ``SharedPort/onUnknownUsername`` was told of.
    public internal(set) var unknownUsernames: UInt64 = 0

    /// Checks with an unknown username that it was not told of: too many in a second, or nobody listens.
    public internal(set) var droppedUnknownUsernames: UInt64 = 0

    /// Checks for one client from an address with which another one has a call.
    public internal(set) var conflicts: UInt64 = 0

    /// TCP connections that were accepted. Each is one of those below, or waits for a check still.
    public internal(set) var connections: UInt64 = 0

    /// Connections over which an authentic check came for a client, whose they are from then on.
    public internal(set) var identifiedConnections: UInt64 = 0

    /// Connections that ended without an authentic check: it did not come in time, nobody has that name, or others came when there were too
    /// many of them.
    public internal(set) var unidentifiedConnections: UInt64 = 0

    /// Connections for a client that takes none, as its ``ICEConfiguration/transports`` are without `.tcp`.
    public internal(set) var unwantedConnections: UInt64 = 0
}
