/// An IP address and a port: what a UDP or TCP endpoint is reached at (RFC 8445 §4).
///
/// ```swift
/// let server = TransportAddress(IPAddress("192.0.2.1")!, port: 3478)
/// print(server, TransportAddress("[2001:db8::1]:3478")?.ip.family == .v6)
/// ```
public struct TransportAddress: Hashable, Sendable {
    /// The IP address.
    public var ip: IPAddress

    /// The port, 0 to 65535; 0 asks for any free port when binding.
    public var port: UInt16

    /// An endpoint at an address and a port.
    public init(_ ip: IPAddress, port: UInt16) {
        self.ip = ip
        self.port = port
    }

    /// IPv4 or IPv6.
    public var family: IPAddress.Family { ip.family }

    /// The same endpoint with an IPv4-mapped address written as the IPv4 address it is.
    public var unmapped: TransportAddress { TransportAddress(ip.unmapped, port: port) }

    /// The same endpoint with the scope of a link-local address removed, as it appears on the wire.
    public var unscoped: TransportAddress { ip.scopeID == 0 ? self : TransportAddress(ip.scoped(to: 0), port: port) }
}

extension TransportAddress: LosslessStringConvertible, CustomStringConvertible {
    /// Reads `192.0.2.1:3478` or `[2001:db8::1]:3478`; nil for anything else, host names included.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        let bracketed = host.first == "[" && host.last == "]" && host.count > 2
        if bracketed { host = host.dropFirst().dropLast() }
        guard let ip = IPAddress(String(host)), bracketed == (ip.family == .v6) else { return nil }
        self.init(ip, port: port)
    }

    /// `192.0.2.1:3478` or `[2001:db8::1]:3478`.
    public var description: String {
        ip.family == .v4 ? "\(ip):\(port)" : "[\(ip)]:\(port)"
    }
}

/// How the bytes between a client and a server travel.
public enum TransportProtocol: String, Hashable, Sendable, CaseIterable {
    /// Datagrams in the clear.
    case udp
    /// A byte stream in the clear.
    case tcp
    /// A byte stream inside TLS.
    case tls
    /// Datagrams inside DTLS (RFC 7350).
    case dtls

    /// Whether the transport itself retransmits, so that STUN does not (RFC 8489 §6.2.2).
    public var isReliable: Bool { self == .tcp || self == .tls }
}
