import NetBase
import STUN

/// A UDP socket of a shared port, and whose datagrams come in on it.
///
/// ```
///                     source is a client's? ──────────────────────────── data, indication ──▶ that client
///                    /
///  datagram ── STUN ── answer ── transaction is known? ──▶ who asked;  else the source's client
///                    \
///                     request ── username is known? ──▶ that client;  else the source's client;  else the application
/// ```
///
/// An address becomes a client's once a check from there was authentic, or an answer: nothing is remembered of anybody else.
final class SharedSocket {
    struct Owner {
        let view: PortView
        let use: RemoteUse

        /// Whether the peer has answered at the address, and is still heard of there.
        var hasPeer: Bool { use == .peer && !view.member.isSilent }

        func yields(to use: RemoteUse) -> Bool {
            view.member.isSilent || (self.use == .unprovenPeer && use != .unprovenPeer)
        }
    }

    let socket: any DatagramSocket
    let localAddress: TransportAddress
    private weak var port: SharedPort?
    private let platform: any Platform
    private var owners: [TransportAddress: Owner] = [:]
    /// Most datagrams come from where the one before came from.
    private var last: (source: TransportAddress, owner: Owner)?
    private var questions = RecentQuestions()
    private var waitingForRoom: [PortView] = []

    init(_ socket: any DatagramSocket, of port: SharedPort, on platform: any Platform) {
        self.socket = socket
        self.port = port
        self.platform = platform
        localAddress = socket.localAddress
        socket.onDatagram = { [weak self] bytes, source in self?.receive(bytes, from: source) }
        socket.onUnreachable = { [weak self] destination, error in
            self?.owners[destination]?.view.onUnreachable?(destination, error)
        }
        socket.onWritable = { [weak self] in self?.roomCame() }
    }

    // MARK: Remote addresses

    func owner(of address: TransportAddress) -> Owner? { owners[address] }

    /// False where another client has a better claim to the address.
    func give(_ address: TransportAddress, to view: PortView, as use: RemoteUse) -> Bool {
        if let owner = owners[address] {
            if owner.view === view, owner.use != .unprovenPeer { return true }
            if owner.view !== view {
                guard owner.yields(to: use) else { return false }
                owner.view.lose(address)
            }
        }
        owners[address] = Owner(view: view, use: use)
        last = nil
        return true
    }

    func take(_ address: TransportAddress, from view: PortView) {
        guard owners[address]?.view === view else { return }
        owners[address] = nil
        last = nil
    }

    func note(_ id: STUNTransactionID, by view: PortView) { questions.note(id, by: view, at: platform.now) }

    func forget(_ view: PortView) {
        questions.forget(view)
        waitingForRoom.removeAll { $0 === view }
        last = nil
    }

    // MARK: Receiving

    private func receive(_ bytes: Span<UInt8>, from source: TransportAddress) {
        let owner = ownerOfSource(source)
        guard let envelope = STUNEnvelope(of: bytes) else { return deliver(bytes, from: source, to: owner?.view) }
        switch envelope.messageClass {
        case .indication: deliver(bytes, from: source, to: owner?.view)
        case .success, .failure: receiveAnswer(envelope.transactionID, bytes, from: source, owner)
        case .request: receiveRequest(bytes, from: source, owner)
        }
    }

    private func ownerOfSource(_ source: TransportAddress) -> Owner? {
        if let last, last.source == source { return last.owner }
        guard let owner = owners[source] else { return nil }
        last = (source, owner)
        return owner
    }

    private func deliver(_ bytes: Span<UInt8>, from source: TransportAddress, to view: PortView?) {
        guard let onDatagram = view?.onDatagram else {
            port?.counted.foreignDatagrams += 1
            return
        }
        onDatagram(bytes, source)
    }

    private func receiveAnswer(
        _ id: STUNTransactionID, _ bytes: Span<UInt8>, from source: TransportAddress, _ owner: Owner?
    ) {
        let asker = questions.asker(of: id)
        // Two clients may have asked one peer at a time; the first that was answered has it.
        let isTaken = owner.map { $0.view !== asker && $0.hasPeer } ?? false
        deliver(bytes, from: source, to: isTaken ? owner?.view : asker ?? owner?.view)
    }

    private func receiveRequest(_ bytes: Span<UInt8>, from source: TransportAddress, _ owner: Owner?) {
        if let name = STUNEnvelope.usernameFragment(in: bytes), let view = port?.member(named: name)?.view(of: self) {
            // The client is to see it all the same: it can't answer, and tells its application why.
            if let owner, owner.view !== view, owner.hasPeer { port?.counted.conflicts += 1 }
            deliver(bytes, from: source, to: view)
        } else if let owner {
            // A peer goes on with the credentials of before a restart until it has heard of the new ones.
            deliver(bytes, from: source, to: owner.view)
        } else if let name = port?.introduce(bytes, from: source, to: localAddress) {
            deliver(bytes, from: source, to: port?.member(named: name)?.view(of: self))
        }
    }

    // MARK: Room

    func expectRoom(for view: PortView) {
        if !waitingForRoom.contains(where: { $0 === view }) { waitingForRoom.append(view) }
    }

    private func roomCame() {
        let waiting = waitingForRoom
        waitingForRoom = []
        for view in waiting { view.onWritable?() }
    }

    // MARK: End

    func close() {
        socket.close()
        for owner in owners.values { owner.view.portClosed() }
        owners = [:]
        questions = RecentQuestions()
        waitingForRoom = []
        last = nil
    }
}
