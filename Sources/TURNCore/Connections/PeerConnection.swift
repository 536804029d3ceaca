package import NetBase

/// A TCP connection between the server and a peer that no connection of the client's is bound to yet (RFC 6062 §4.3, §4.4).
package struct PeerConnection: Hashable, Sendable {
    /// "If no ConnectionBind request associated with this peer data connection is received after 30 seconds, the peer data connection
    /// MUST be closed" (RFC 6062 §5.2, §5.3).
    package static let bindTimeout = Duration.seconds(30)

    /// The number that the server knows it by.
    package let id: UInt32

    /// The peer's end.
    package let peer: TransportAddress

    /// When the server closes it, at the latest: it was heard of 30 seconds before.
    package let expiry: Instant

    init(id: UInt32, peer: TransportAddress, heardAt now: Instant) {
        self.id = id
        self.peer = peer
        expiry = now + Self.bindTimeout
    }
}
