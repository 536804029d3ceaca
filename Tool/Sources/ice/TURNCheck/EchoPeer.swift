import ICE

/// Who sends back what an allocation relays: a second allocation, or a socket of this machine.
protocol EchoPeer: AnyObject {
    /// Where the allocation's datagrams go; nil until that is known.
    var address: TransportAddress? { get }
    func close()
}

/// A second allocation on the same server, which lets the first one in.
final class AllocatedPeer: EchoPeer {
    let allocation: Allocation

    init(_ allocation: Allocation) {
        self.allocation = allocation
        allocation.onData = { [unowned allocation] bytes, peer in try? allocation.client.send(bytes, to: peer) }
    }

    var address: TransportAddress? { allocation.relayed }

    func close() { allocation.client.close() }
}

/// A socket of this machine, which may have a NAT in front: the relay learns its address from what it sends there.
final class SocketPeer: EchoPeer {
    private let socket: UDPSocket
    private let timer: ICE.Timer
    fileprivate(set) var address: TransportAddress?

    /// Knocks at the relayed address until it is heard there.
    init(at relayed: TransportAddress, on loop: EventLoop) throws(NetworkError) {
        let socket = try UDPSocket(on: loop, boundTo: TransportAddress(.any(relayed.family), port: 0))
        self.socket = socket
        socket.onDatagram = { [unowned socket] bytes, source in
            if source == relayed { try? socket.send(bytes, to: source) }
        }
        timer = ICE.Timer(on: loop) { [unowned socket] in try? socket.send(Self.knock.span, to: relayed) }
        timer.start(after: .zero, repeating: .milliseconds(200))
    }

    private static let knock = Array("knock".utf8)

    /// Takes what the allocation was sent; its source is where the relay sees this socket.
    func heard(from source: TransportAddress) {
        guard address == nil else { return }
        address = source
        timer.close()
    }

    func close() {
        socket.close()
        timer.close()
    }
}
