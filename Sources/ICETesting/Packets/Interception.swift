public import NetBase

/// A datagram that is about to leave its host, as ``SimulatedNetwork/interceptor`` sees it: before any NAT.
public struct SimulatedPacket: Hashable, Sendable {
    /// The name of the host that sends it.
    public let sender: String
    /// The local address it leaves from.
    public let source: TransportAddress
    /// Where it is meant to go.
    public let destination: TransportAddress
    /// What it carries.
    public let bytes: [UInt8]
}

/// What an interceptor wants done with a datagram.
public enum PacketVerdict: Hashable, Sendable {
    /// Send it as it is.
    case pass
    /// Let it vanish.
    case drop
    /// Send other bytes in its place.
    case replace([UInt8])
    /// Send it after a pause, on top of what its links add.
    case delay(Duration)
}
