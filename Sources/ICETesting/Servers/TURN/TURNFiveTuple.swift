package import NetBase

/// What tells one client's allocation from another's: both ends of the way between them, and the transport (RFC 8656 §3.2).
package struct TURNFiveTuple: Hashable, Sendable {
    /// How the client reaches the server.
    package let transport: TransportProtocol
    /// The client's end, as the server sees it.
    package let client: TransportAddress
    /// The server's end.
    package let server: TransportAddress

    /// A way between a client and a server.
    package init(_ transport: TransportProtocol, client: TransportAddress, server: TransportAddress) {
        self.transport = transport
        self.client = client
        self.server = server
    }
}

extension TURNFiveTuple: CustomStringConvertible {
    /// `udp 192.0.2.1:5000 > 192.0.2.2:3478`.
    package var description: String { "\(transport.rawValue) \(client) > \(server)" }
}
