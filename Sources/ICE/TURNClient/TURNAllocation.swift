public import NetBase
import TURNCore

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

    /// When the client refreshes it by itself; nil where it does not.
    public let nextRefresh: Instant?

    /// The peers that may send to us, in the order in which they were let in.
    public let permissions: [IPAddress]

    /// The peers whose data travels on channels, in the order of the channels' numbers.
    public let channels: [Channel]

    /// A peer, and the number that stands for it on the way to the server (RFC 8656 §12).
    public struct Channel: Hashable, Sendable {
        /// The peer's address.
        public let peer: TransportAddress
        /// 0x4000 to 0x4FFF.
        public let number: UInt16
    }

    /// What another allocation may ask for the next port with (RFC 8656 §7.1).
    public let reservationToken: UInt64?
}

extension TURNAllocation {
    init(_ state: AllocationState, from local: TransportAddress?, on server: TransportAddress) {
        relayedAddresses = state.relayedAddresses
        reflexiveAddress = state.reflexiveAddress
        localAddress = local
        serverAddress = server
        lifetime = state.lifetime
        expiry = state.expiry
        nextRefresh = state.nextRefresh
        permissions = state.permissions.map(\.peer)
        channels = state.channels.map { Channel(peer: $0.peer, number: $0.channel.rawValue) }
        reservationToken = state.reservationToken
    }
}

/// An ICMP error that came back for what the server passed on to a peer (RFC 8656 §11.6).
public struct TURNPeerError: Error, Hashable, Sendable {
    /// The ICMP type, to be read with the peer's family in mind.
    public let icmpType: UInt8

    /// The ICMP code.
    public let icmpCode: UInt8

    /// The largest packet that the next hop takes, in bytes, where that was the fault.
    public let maximumTransmissionUnit: Int?

    init(_ error: PeerError) {
        icmpType = error.icmpType
        icmpCode = error.icmpCode
        maximumTransmissionUnit = error.maximumTransmissionUnit
    }
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
    /// Connections of peers that have no permission, or beyond 64 that nobody has answered.
    public internal(set) var ignoredConnectionAttempts: UInt64 = 0
}
