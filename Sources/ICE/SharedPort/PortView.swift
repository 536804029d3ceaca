import NetBase
import STUN

/// A socket of a shared port as one client sees it: it gets its own datagrams, and sends where no other client has a call.
final class PortView: DatagramSocket {
    let socket: SharedSocket
    let member: PortMember
    var onUnreachable: ((TransportAddress, NetworkError) -> Void)?
    var onWritable: (() -> Void)?
    private(set) var onBatch: ((DatagramBatch, TransportAddress) -> Void)?
    private(set) var isClosed = false
    /// The remote address that was last found to be this client's.
    private var own: TransportAddress?
    private var claimed: [TransportAddress] = []
    /// Whether some of its data was taken since it was last told that there is room.
    private(set) var hasHadRoom = false
    /// Whether it stands in the socket's queue for room, which alone sets it.
    var isWaitingForRoom = false
    /// A request or an answer that there was no room for: one client's data must not cost another's consent.
    private var held: (bytes: [UInt8], destination: TransportAddress)?

    /// A peer that has checks sent from ever new addresses keeps the latest of them.
    private static let claimLimit = 16

    init(of socket: SharedSocket, for member: PortMember) {
        self.socket = socket
        self.member = member
        socket.enter()
    }

    var localAddress: TransportAddress { socket.localAddress }

    // MARK: Receiving

    /// Each datagram of a batch; ``receiveBatches(_:)`` is what clients use.
    var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)? {
        didSet {
            guard let onDatagram else { return }
            onBatch = { batch, source in
                for index in 0..<batch.count { onDatagram(batch[index], source) }
            }
        }
    }

    func receiveBatches(_ body: @escaping (DatagramBatch, TransportAddress) -> Void) { onBatch = body }

    func reportTrafficClass() throws(NetworkError) { try socket.socket.reportTrafficClass() }

    // MARK: Sending

    func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError) {
        try prepare(bytes, destination)
        do throws(NetworkError) {
            try socket.socket.send(bytes, to: destination)
            took(1, of: 1)
        } catch {
            refused(error)
            // Indications carry data to a relay, and whoever sends that is to know.
            guard error.code == .wouldBlock, let envelope = STUNEnvelope(of: bytes),
                envelope.messageClass != .indication
            else { throw error }
            held = ([UInt8](copying: bytes), destination)
        }
    }

    func send(contentsOf datagrams: [[UInt8]], to destination: TransportAddress) throws(NetworkError) -> Int {
        guard let first = datagrams.first else { return 0 }
        try prepare(first.span, destination)
        do throws(NetworkError) {
            return took(try socket.socket.send(contentsOf: datagrams, to: destination), of: datagrams.count)
        } catch {
            refused(error)
            throw error
        }
    }

    func send(
        _ bytes: Span<UInt8>, inDatagramsOf size: Int, to destination: TransportAddress
    ) throws(NetworkError) -> Int {
        try prepare(bytes, destination)
        do throws(NetworkError) {
            let taken = try socket.socket.send(bytes, inDatagramsOf: size, to: destination)
            return took(taken, of: (bytes.count + size - 1) / size)
        } catch {
            refused(error)
            throw error
        }
    }

    @discardableResult
    private func took(_ taken: Int, of count: Int) -> Int {
        hasHadRoom = true
        if taken < count { socket.expectRoom(for: self) }
        return taken
    }

    private func refused(_ error: NetworkError) {
        if error.code == .wouldBlock { socket.expectRoom(for: self) }
    }

    func tellRoom() {
        hasHadRoom = false
        onWritable?()
    }

    func sendHeld() {
        guard let (bytes, destination) = held else { return }
        held = nil
        // What is refused again is held again, and anything else is lost as datagrams are.
        try? send(bytes.span, to: destination)
    }

    /// An answer says that a check from there was authentic; of a request to an address that is nobody's it is noted who asks, so that the
    /// answer finds its way.
    private func prepare(_ bytes: Span<UInt8>, _ destination: TransportAddress) throws(NetworkError) {
        let isSTUN = bytes.count > 1 && bytes[0] & 0xc0 == 0
        if !isSTUN, destination == own { return }
        guard !isClosed, !socket.isClosed else {
            throw NetworkError(.closed, name: "EBADF", operation: "send to \(destination)")
        }
        let envelope = isSTUN ? STUNEnvelope(of: bytes) : nil
        if envelope?.messageClass == .success, take(destination, as: .checkedPeer, isCheck: true) { return }
        guard !socket.isTaken(destination, from: self) else {
            throw NetworkError(
                .addressInUse, name: "EADDRINUSE",
                operation: "send to \(destination), where another client of the shared port has a call: "
                    + "give one of the two its own port")
        }
        if socket.isOwn(destination, of: self) {
            own = destination
        } else if let envelope, envelope.messageClass == .request {
            socket.note(envelope.transactionID, to: destination, by: self)
        }
    }

    // MARK: Remote addresses

    func claim(_ address: TransportAddress, as use: RemoteUse) -> Bool { take(address, as: use) }

    private func take(_ address: TransportAddress, as use: RemoteUse, isCheck: Bool = false) -> Bool {
        guard !isClosed, socket.take(address, by: self, as: use, isCheck: isCheck) else { return false }
        guard !claimed.contains(address) else { return true }
        claimed.append(address)
        // The eldest goes of those that nothing but a check has come from.
        if claimed.count > Self.claimLimit, let eldest = claimed.first(where: { !socket.isInUse($0, by: self) }) {
            release(eldest, as: .checkedPeer)
        }
        return true
    }

    func release(_ address: TransportAddress, as use: RemoteUse) {
        socket.release(address, by: self, as: use)
        guard !socket.isOwn(address, of: self) else { return }
        claimed.removeAll { $0 == address }
        lose(address)
    }

    /// Another client has the address now.
    func lose(_ address: TransportAddress) {
        if own == address { own = nil }
    }

    // MARK: End

    /// The port is closed: nothing is sent any more.
    func socketClosed() { own = nil }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        own = nil
        held = nil
        socket.leave(self, at: claimed)
        claimed = []
        member.forget(self)
        let dropped = (onBatch, onDatagram, onUnreachable, onWritable)
        (onBatch, onDatagram, onUnreachable, onWritable) = (nil, nil, nil, nil)
        withExtendedLifetime(dropped) {}
    }
}
