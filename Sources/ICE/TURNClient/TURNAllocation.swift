public import NetBase

/// What a ``TURNClient`` knows of its allocation (RFC 8656 §3.2).
public struct TURNAllocation: Hashable, Sendable {
    /// The addresses that peers see: one, or one of each family.
    public let relayedAddresses: [TransportAddress]

    /// Our address as the server sees it, in front of all NATs.
    public let reflexiveAddress: TransportAddress?

    /// Our end of the way to the server; nil where the system did not tell.
    public let localAddress: TransportAddress?

    /// The server's address, that of the last one after redirections.
    public let serverAddress: TransportAddress

    /// The lifetime that the server gave, counted from the last answer.
    public let lifetime: Duration

    /// When the allocation ends unless it is refreshed.
    public let expiry: Instant

    /// The peers that may send to us.
    public let permissions: [IPAddress]

    /// The peers whose data travels on channels, with the channels' numbers.
    public let channels: [TransportAddress: UInt16]

    /// What another allocation may ask for the next port with (RFC 8656 §7.1).
    public let reservationToken: [UInt8]?
}

/// An ICMP error that came back for what the server passed on to a peer (RFC 8656 §11.6).
public struct TURNPeerError: Error, Hashable, Sendable {
    /// The ICMP type, to be read with the peer's family in mind.
    public let icmpType: UInt8

    /// The ICMP code.
    public let icmpCode: UInt8

    /// The largest packet that the next hop takes, in bytes, where that was the fault.
    public let maximumTransmissionUnit: Int?
}

/// What a ``TURNClient`` has relayed and dropped since it was made.
public struct TURNStatistics: Hashable, Sendable {
    /// Datagrams to peers that were handed to the system.
    public internal(set) var packetsSent: UInt64 = 0
    /// Their bytes.
    public internal(set) var bytesSent: UInt64 = 0
    /// Datagrams from peers that arrived.
    public internal(set) var packetsReceived: UInt64 = 0
    /// Their bytes.
    public internal(set) var bytesReceived: UInt64 = 0
    /// Datagrams to peers that were dropped because the way to the server takes no more right now.
    public internal(set) var packetsDiscardedOnSend: UInt64 = 0
    /// Datagrams to peers that were dropped because there is no permission or no allocation.
    public internal(set) var packetsWithoutPermission: UInt64 = 0
    /// What came from the server and belongs to nothing: malformed, on unknown channels, or for peers without permission.
    public internal(set) var foreignMessages: UInt64 = 0
}
