public import STUN

/// What a ``SimulatedTURNServer`` has done since it was made, restarts included.
public struct TURNServerCounters: Hashable, Sendable {
    /// Why something was not relayed.
    public enum Drop: Hashable, Sendable, CaseIterable {
        /// It is neither STUN nor ChannelData, or lacks what it must have.
        case malformed
        /// The client has no allocation, or none of the peer's family.
        case noAllocation
        /// The peer has no permission, or not any more.
        case noPermission
        /// Nothing is bound to the channel, or not any more.
        case noChannel
        /// The server does not relay to such addresses.
        case deniedPeer
        /// The client reads its connection too slowly.
        case slowClient
        /// The host would not send it, or it is too long for a message.
        case unsendable
    }

    /// The requests that arrived, by method, those lost or refused among them.
    public internal(set) var requests: [STUNMethod: Int] = [:]
    /// The error responses, by code.
    public internal(set) var errors: [Int: Int] = [:]
    /// The allocations made.
    public internal(set) var allocations = 0
    /// The allocations that ran out.
    public internal(set) var expiredAllocations = 0
    /// The datagrams from Send indications that went out to peers.
    public internal(set) var sendIndications = 0
    /// The datagrams from ChannelData messages that went out to peers.
    public internal(set) var channelDataFromClients = 0
    /// The peers' datagrams that went to clients in Data indications.
    public internal(set) var dataIndications = 0
    /// The peers' datagrams that went to clients in ChannelData messages.
    public internal(set) var channelDataToClients = 0
    /// The connections of peers that clients were told of.
    public internal(set) var connectionAttempts = 0
    /// The ICMP errors that went to clients.
    public internal(set) var icmpIndications = 0
    /// What was not relayed, by reason.
    public internal(set) var drops: [Drop: Int] = [:]

    /// Counters at zero.
    public init() {}

    mutating func count(_ drop: Drop) { drops[drop, default: 0] += 1 }
}
