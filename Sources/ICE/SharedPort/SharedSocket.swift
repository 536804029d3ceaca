import NetBase
import STUN

/// A UDP socket of a shared port, and whose datagrams come in on it.
///
/// ```
///                     source is a client's? ──────────────────────────── data, indication ──▶ that client
///                    /
///  datagram ── STUN ── answer ── transaction is known? ──▶ who asked;  else the source's client
///                    \
///                     request ── username is known? ──▶ that client;  else the application
/// ```
final class SharedSocket {
    let socket: any DatagramSocket
    let localAddress: TransportAddress
    private(set) var isClosed = false
    private weak var port: SharedPort?
    private let platform: any Platform
    private var owners = RemoteOwners()
    private var questions = RecentQuestions()
    private var queue = RoomQueue()
    private var viewCount = 0

    init(_ socket: any DatagramSocket, of port: SharedPort, on platform: any Platform) {
        self.socket = socket
        self.port = port
        self.platform = platform
        localAddress = socket.localAddress
        socket.receiveBatches { [weak self] batch, source in self?.receive(batch, from: source) }
        socket.onUnreachable = { [weak self] in self?.unreachable($0, $1) }
        socket.onWritable = { [weak self] in self?.roomCame() }
    }

    // MARK: Clients

    /// Whether clients have it.
    var hasViews: Bool { viewCount > 0 }

    func enter() { viewCount += 1 }

    func leave(_ view: PortView, at addresses: [TransportAddress]) {
        viewCount -= 1
        for address in addresses { owners.remove(address, of: view) }
        queue.forget(view)
    }

    // MARK: Remote addresses

    func isOwn(_ address: TransportAddress, of view: PortView) -> Bool { owners[address]?.view === view }

    /// Whether a client has a call with the address, or an allocation there.
    func isInUse(_ address: TransportAddress, by view: PortView) -> Bool {
        owners[address].map { $0.view === view && $0.use != .checkedPeer } ?? false
    }

    /// Whether another client has a call with the address.
    func isTaken(_ address: TransportAddress, from view: PortView) -> Bool {
        owners[address].map { $0.view !== view && $0.isFirm(at: platform.now) } ?? false
    }

    func take(_ address: TransportAddress, by view: PortView, as use: RemoteUse, isCheck: Bool = false) -> Bool {
        owners.take(address, by: view, as: use, isCheck: isCheck, at: platform.now)
    }

    func release(_ address: TransportAddress, by view: PortView, as use: RemoteUse) {
        owners.release(address, by: view, as: use)
    }

    func note(_ id: STUNTransactionID, to destination: TransportAddress, by view: PortView) {
        questions.note(id, to: destination, by: view, at: platform.now)
    }

    // MARK: Receiving

    private func receive(_ batch: DatagramBatch, from source: TransportAddress) {
        var next = 0
        while next < batch.count, !isClosed {
            let datagram = batch[next]
            if let envelope = STUNEnvelope(of: datagram) {
                receive(envelope, datagram, from: source)
                next += 1
            } else {
                let end = batch.endOfRun(from: next)
                deliver(batch.extracting(next..<end), from: source, to: owners[source]?.view)
                next = end
            }
        }
    }

    private func receive(_ envelope: STUNEnvelope, _ bytes: Span<UInt8>, from source: TransportAddress) {
        switch envelope.messageClass {
        case .indication: deliver(DatagramBatch(only: bytes), from: source, to: owners[source]?.view)
        case .success, .failure: receiveAnswer(envelope.transactionID, bytes, from: source)
        case .request: receiveRequest(bytes, from: source)
        }
    }

    private func deliver(_ batch: DatagramBatch, from source: TransportAddress, to view: PortView?) {
        guard let onBatch = view?.onBatch else {
            port?.counted.foreignDatagrams += UInt64(batch.count)
            return
        }
        onBatch(batch, source)
    }

    private func receiveAnswer(_ id: STUNTransactionID, _ bytes: Span<UInt8>, from source: TransportAddress) {
        let owner = owners[source]?.view
        // Two clients may have asked one peer at a time; the first that was answered has it.
        var asker = questions.asker(of: id)
        if let known = asker, isTaken(source, from: known) { asker = nil }
        deliver(DatagramBatch(only: bytes), from: source, to: asker ?? owner)
    }

    private func receiveRequest(_ bytes: Span<UInt8>, from source: TransportAddress) {
        guard let name = STUNEnvelope.usernameFragment(in: bytes) else {
            port?.counted.foreignDatagrams += 1
            return
        }
        if let member = port?.member(named: name) {
            let view = member.view(of: self)
            // The client is to see it all the same: it can't answer, and tells its application why.
            if let view, isTaken(source, from: view) { port?.counted.conflicts += 1 }
            deliver(DatagramBatch(only: bytes), from: source, to: view)
        } else if port?.introduce(name, bytes, from: source, to: localAddress) == true {
            deliver(DatagramBatch(only: bytes), from: source, to: port?.member(named: name)?.view(of: self))
        }
    }

    private func unreachable(_ destination: TransportAddress, _ error: NetworkError) {
        let view = owners[destination]?.view ?? questions.asker(at: destination)
        view?.onUnreachable?(destination, error)
    }

    // MARK: Room

    func expectRoom(for view: PortView) { queue.add(view) }

    /// STUN that was held goes first, then each client has its turn until one has filled the buffer again.
    private func roomCame() {
        let waiting = queue.takeAll()
        for view in waiting { view.sendHeld() }
        var turns = waiting[...]
        while queue.isEmpty, let view = turns.popFirst() { view.tellRoom() }
        queue.putFirst(turns)
    }

    // MARK: End

    func close() {
        guard !isClosed else { return }
        isClosed = true
        socket.close()
        for view in owners.views { view.socketClosed() }
        owners = RemoteOwners()
        questions = RecentQuestions()
        queue = RoomQueue()
    }
}
