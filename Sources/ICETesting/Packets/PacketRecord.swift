public import NetBase

/// The kinds of packet that a simulated network carries.
public enum PacketTransport: String, Hashable, Sendable {
    /// A UDP datagram.
    case udp
    /// A piece of a TCP connection.
    case tcp
    /// An ICMP error about one of the others.
    case icmp
}

/// What happened to a packet at one place of its path.
public enum PacketEvent: String, Hashable, Sendable, CaseIterable {
    /// A socket handed it to its host.
    case sent
    /// It was put on the network by ``SimulatedNetwork/inject(_:from:to:behind:)``.
    case injected
    /// It reached a socket, a connection or, for ICMP, the sender of the packet it is about.
    case delivered
    /// A link made a second copy of it.
    case duplicated
    /// A link lost it by chance.
    case lost
    /// A link that is cut, or an interface that is down, swallowed it.
    case cut
    /// It was larger than a link's MTU.
    case tooLarge
    /// A link's queue was full.
    case overflowed
    /// ``SimulatedNetwork/interceptor`` dropped it.
    case intercepted
    /// Nobody has its destination's address.
    case noRoute
    /// Nobody listens on its destination's port.
    case noListener
    /// A NAT or firewall knows no mapping for its destination, or the mapping has expired.
    case noMapping
    /// A NAT or firewall knows the mapping and does not let this sender in.
    case filtered
    /// A NAT that blocks UDP dropped it.
    case blocked
    /// A NAT that cannot hairpin dropped it.
    case notHairpinned
    /// A NAT had no free port for a new mapping.
    case portsExhausted
}

/// One line of a network's trace.
public struct PacketRecord: Hashable, Sendable {
    /// When it happened.
    public let instant: Instant
    /// What happened.
    public let event: PacketEvent
    /// The name of the host, link or NAT where it happened.
    public let place: String
    /// What kind of packet it was.
    public let transport: PacketTransport
    /// The sender, as it appeared at that place.
    public let source: TransportAddress
    /// The receiver, as it appeared at that place.
    public let destination: TransportAddress
    /// How many bytes it carried for an application.
    public let byteCount: Int
    /// A 64-bit FNV-1a digest of those bytes.
    public let digest: UInt64
}

extension PacketRecord: CustomStringConvertible {
    /// `0.012000000 delivered b udp 192.0.2.1:5000 > 192.0.2.2:6000 4 bytes a5b1c2d3e4f50617`: the same in every process.
    public var description: String {
        func padded(_ text: String, _ width: Int) -> String {
            String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let seconds = instant.nanoseconds / 1_000_000_000
        let fraction = padded(String(instant.nanoseconds % 1_000_000_000), 9)
        let what = "\(event.rawValue) \(place) \(transport.rawValue) \(source) > \(destination)"
        return "\(seconds).\(fraction) \(what) \(byteCount) bytes \(padded(String(digest, radix: 16), 16))"
    }
}

/// How often each ``PacketEvent`` happened.
public struct PacketCounters: Hashable, Sendable {
    private var counts: [PacketEvent: Int] = [:]

    /// Counters at zero.
    public init() {}

    /// How often an event happened.
    public internal(set) subscript(event: PacketEvent) -> Int {
        get { counts[event, default: 0] }
        set { counts[event] = newValue }
    }
}

extension PacketCounters: CustomStringConvertible {
    /// `sent 12, delivered 11, lost 1`.
    public var description: String {
        PacketEvent.allCases.filter { self[$0] > 0 }.map { "\($0.rawValue) \(self[$0])" }.joined(separator: ", ")
    }
}
