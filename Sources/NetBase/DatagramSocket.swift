/// A bound UDP socket.
package protocol DatagramSocket: AnyObject {
    /// The address it is bound to, with the port that was chosen.
    var localAddress: TransportAddress { get }

    /// A datagram arrived; the bytes are borrowed for the call.
    var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)? { get set }

    /// An ICMP error came back for something that was sent to a destination (RFC 8445 §7.2.5.2.2), where the system tells.
    var onUnreachable: ((TransportAddress, NetworkError) -> Void)? { get set }

    /// Hands one datagram to the system, or throws ``NetworkError/Code/wouldBlock`` when it takes no more right now.
    func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError)

    /// Hands datagrams to one destination to the system, in their order; how many it took. Throws what ``send(_:to:)`` throws, where it did
    /// not take the first.
    func send(contentsOf datagrams: [[UInt8]], to destination: TransportAddress) throws(NetworkError) -> Int

    /// Hands datagrams of one size, but for a shorter last one, that lie one behind the other to the system; how many it took. Throws what
    /// ``send(_:to:)`` throws, where it did not take the first.
    func send(
        _ bytes: Span<UInt8>, inDatagramsOf size: Int, to destination: TransportAddress
    ) throws(NetworkError) -> Int

    /// There is room again behind a datagram that was refused with ``NetworkError/Code/wouldBlock``.
    var onWritable: (() -> Void)? { get set }

    /// Hands what arrives to the closure as it comes, several datagrams at a time, and no more to ``onDatagram``.
    func receiveBatches(_ body: @escaping (DatagramBatch, TransportAddress) -> Void)

    /// Whether, while a closure is told of datagrams, others that have arrived with them follow at once.
    var hasMore: Bool { get }

    /// Sets the byte with DSCP and ECN of what is sent, where the platform knows of such.
    func setTypeOfService(_ value: UInt8) throws(NetworkError)

    /// Takes a remote address for this socket's owner alone; false where another owner of the same address of this machine has it.
    func claim(_ address: TransportAddress, as use: RemoteUse) -> Bool

    /// Gives a claimed address back; ``RemoteUse/peer`` only the claim to carry data there.
    func release(_ address: TransportAddress, as use: RemoteUse)

    /// Makes batches tell the byte with DSCP and ECN that they arrived with, where the platform knows of such.
    func reportTrafficClass() throws(NetworkError)

    /// Asks for buffers of at least these sizes, in bytes; nil leaves one as it is. The system may bound them without an error.
    func growBuffers(receive: Int?, send: Int?) throws(NetworkError)

    /// Closes the socket and drops its closures.
    func close()
}

/// What the owner of a socket has at a remote address.
package enum RemoteUse: Hashable, Sendable {
    /// A check from there was authentic, though its source may be forged by somebody who knows the password.
    case checkedPeer
    /// Data goes there.
    case peer
    /// A TURN server, with the one allocation that it has for the five-tuple; it may be asked for mapped addresses by others too.
    case relayServer
}

extension DatagramSocket {
    /// Nobody else sends from a socket of one's own.
    package func claim(_ address: TransportAddress, as use: RemoteUse) -> Bool { true }

    /// Nothing is known to follow.
    package var hasMore: Bool { false }

    /// Does nothing.
    package func release(_ address: TransportAddress, as use: RemoteUse) {}

    /// Does nothing.
    package func setTypeOfService(_ value: UInt8) throws(NetworkError) {}
    /// Does nothing.
    package func reportTrafficClass() throws(NetworkError) {}
    /// Does nothing.
    package func growBuffers(receive: Int?, send: Int?) throws(NetworkError) {}

    /// Makes a batch of each datagram.
    package func receiveBatches(_ body: @escaping (DatagramBatch, TransportAddress) -> Void) {
        onDatagram = { bytes, source in body(DatagramBatch(only: bytes), source) }
    }

    /// Sends one after the other.
    package func send(
        contentsOf datagrams: [[UInt8]], to destination: TransportAddress
    ) throws(NetworkError) -> Int {
        var taken = 0
        do throws(NetworkError) {
            for datagram in datagrams {
                try send(datagram.span, to: destination)
                taken += 1
            }
        } catch {
            if taken == 0 { throw error }
        }
        return taken
    }

    /// Sends one after the other.
    package func send(
        _ bytes: Span<UInt8>, inDatagramsOf size: Int, to destination: TransportAddress
    ) throws(NetworkError) -> Int {
        guard !bytes.isEmpty else { return 0 }
        let batch = DatagramBatch(bytes, datagramSize: size)
        var taken = 0
        do throws(NetworkError) {
            while taken < batch.count {
                try send(batch[taken], to: destination)
                taken += 1
            }
        } catch {
            if taken == 0 { throw error }
        }
        return taken
    }
}
