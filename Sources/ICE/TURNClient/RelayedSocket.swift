package import NetBase

/// An allocation as a UDP socket: its local address is the relayed one, and what it sends comes from there.
///
/// Peers must be let in with ``permit(_:)`` before anything goes to them or comes from them. It does not keep its client alive, and
/// closing it leaves the allocation as it is.
package final class RelayedSocket: DatagramSocket {
    package let localAddress: TransportAddress
    package var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)?
    package var onUnreachable: ((TransportAddress, NetworkError) -> Void)?

    package var onWritable: (() -> Void)?

    private weak var client: TURNClient?

    init(_ client: TURNClient, at address: TransportAddress) {
        self.client = client
        localAddress = address
    }

    /// Lets a peer in (RFC 8656 §9).
    package func permit(_ peer: IPAddress) { client?.createPermission(for: peer) }

    /// Makes a peer's data travel on a channel (RFC 8656 §12).
    package func bindChannel(to peer: TransportAddress) { client?.bindChannel(to: peer) }

    /// Relays one datagram, or throws ``NetworkError/Code/wouldBlock`` where it was dropped for want of room or of a permission.
    package func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError) {
        guard let client else { throw .notConnected("relay to \(destination)") }
        do throws(NetworkError) {
            try client.send(bytes, to: destination)
        } catch {
            guard error.code == .notPermitted else { throw error }
            throw NetworkError(.wouldBlock, name: error.name, operation: error.operation)
        }
    }

    /// Lets go of the client.
    package func close() {
        client?.sockets.removeAll { $0 === self }
        detach()
    }

    func detach() {
        client = nil
        (onDatagram, onUnreachable, onWritable) = (nil, nil, nil)
    }
}
