public import NetBase
import TURNCore

/// One allocation of a ``SimulatedTURNServer``, as it is at one instant.
public struct TURNAllocationSummary: Hashable, Sendable {
    /// The user that made it.
    public let username: String
    /// How the client reaches the server.
    public let transport: TransportProtocol
    /// The client's address, as the server sees it.
    public let client: TransportAddress
    /// The relayed addresses, IPv4 before IPv6.
    public let relayedAddresses: [TransportAddress]
    /// The peers with a permission.
    public let permissions: Set<IPAddress>
    /// The peers that connections are open or on their way to or from, in the order in which they were made (RFC 6062).
    public let connections: [TransportAddress]
    /// The peers that channels are bound to.
    public let channels: [UInt16: TransportAddress]
}

extension TURNServerCore {
    /// What is allocated at an instant, in the order in which it was made.
    package func allocationSummaries(at now: Instant) -> [TURNAllocationSummary] {
        inOrder.map { allocation in
            var allocation = allocation
            allocation.prune(at: now)
            return TURNAllocationSummary(
                username: allocation.username, transport: allocation.tuple.transport,
                client: allocation.tuple.client, relayedAddresses: allocation.relays.map(\.address),
                permissions: Set(allocation.permissions.keys),
                connections: connections.filter { $0.owner == allocation.tuple }.map(\.peer),
                channels: Dictionary(
                    uniqueKeysWithValues: allocation.channels.map { ($0.key.rawValue, $0.value.peer) }))
        }
    }
}
