public import NetBase
import TURNCore

/// A peer that has connected to the relayed address, and waits to be let in (RFC 6062 §4.4).
///
/// ``TURNClient/onConnectionAttempt`` tells of it. It may be answered there or later: the server waits for 30 seconds.
public struct TURNConnectionAttempt {
    /// The peer's address, as the server sees it.
    public let peer: TransportAddress

    let connection: PeerConnection
    weak var client: TURNClient?

    init(_ connection: PeerConnection, of client: TURNClient) {
        peer = connection.peer
        self.connection = connection
        self.client = client
    }

    /// Lets the peer in: ``TURNConnection/onConnect`` or ``TURNConnection/onClose`` tells how that went, and the bytes that it has sent
    /// meanwhile follow.
    ///
    /// Nil where that is not possible any more: it was answered before, too late, or the allocation is gone.
    @discardableResult
    public func accept() -> TURNConnection? { client?.accept(self) }

    /// Leaves the peer alone.
    ///
    /// RFC 6062 has no word for it: the server ends the peer's connection when its 30 seconds are over. To end it at once, accept and
    /// close.
    public func refuse() { client?.refuse(self) }
}
