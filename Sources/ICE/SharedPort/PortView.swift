import NetBase
import STUN

/// A socket of a shared port as one client sees it: it gets its own datagrams, and sends where no other client has a call.
final class PortView: DatagramSocket {
    let socket: SharedSocket
    var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)?
    var onUnreachable: ((TransportAddress, NetworkError) -> Void)?
    var onWritable: (() -> Void)?
    unowned let member: PortMember
    private(set) var isClosed = false
    /// The remote address that was last found to be this client's.
    private var own: TransportAddress?
    private var claimed: [TransportAddress] = []

    init(of socket: SharedSocket, for member: PortMember) {
        self.socket = socket
        self.member = member
    }

    var localAddress: TransportAddress { socket.localAddress }

    // MARK: Sending

    func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError) {
        if destination != own { try prepare(bytes, destination) }
        do throws(NetworkError) {
            try socket.socket.send(bytes, to: destination)
        } catch {
            if error.code == .wouldBlock { socket.expectRoom(for: self) }
            throw error
        }
    }

    func send(contentsOf datagrams: [[UInt8]], to destination: TransportAddress) throws(NetworkError) -> Int {
        if destination != own, let first = datagrams.first { try prepare(first.span, destination) }
        do throws(NetworkError) {
            let taken = try socket.socket.send(contentsOf: datagrams, to: destination)
            if taken < datagrams.count { socket.expectRoom(for: self) }
            return taken
        } catch {
            if error.code == .wouldBlock { socket.expectRoom(for: self) }
            throw error
        }
    }

    /// Of a request to an address that is nobody's yet it is noted who asks, so that the answer finds its way.
    private func prepare(_ bytes: Span<UInt8>, _ destination: TransportAddress) throws(NetworkError) {
        let operation = "send to \(destination)"
        guard !isClosed else { throw NetworkError(.closed, name: "EBADF", operation: operation) }
        switch socket.owner(of: destination) {
        case let owner? where owner.view === self:
            own = destination
            return
        case let owner? where owner.hasPeer:
            throw NetworkError(
                .addressInUse, name: "EADDRINUSE",
                operation:
                    "\(operation), where another client of the shared port has a call: give one of the two its own port"
            )
        default:
            guard let envelope = STUNEnvelope(of: bytes), envelope.messageClass == .request else { return }
            socket.note(envelope.transactionID, by: self)
        }
    }

    // MARK: Remote addresses

    func claim(_ address: TransportAddress, as use: RemoteUse) -> Bool {
        guard !isClosed, socket.give(address, to: self, as: use) else { return false }
        if !claimed.contains(address) { claimed.append(address) }
        return true
    }

    func release(_ address: TransportAddress) {
        claimed.removeAll { $0 == address }
        lose(address)
        socket.take(address, from: self)
    }

    /// Another client has the address now.
    func lose(_ address: TransportAddress) {
        if own == address { own = nil }
    }

    // MARK: End

    /// The port is closed: nothing is sent any more.
    func portClosed() {
        isClosed = true
        own = nil
    }

    func close() {
        guard !isClosed else { return dropClosures() }
        isClosed = true
        own = nil
        for address in claimed { socket.take(address, from: self) }
        claimed = []
        socket.forget(self)
        dropClosures()
    }

    private func dropClosures() {
        member.forget(self)
        let dropped = (onDatagram, onUnreachable, onWritable)
        (onDatagram, onUnreachable, onWritable) = (nil, nil, nil)
        withExtendedLifetime(dropped) {}
    }
}
