public import NetBase

/// One end of a TCP connection between simulated hosts.
///
/// Bytes arrive complete and in order, and in pieces that have nothing to do with how they were written. Loss on the way only delays
/// them; a path that a NAT has forgotten or a cut link stalls the connection.
public final class SimulatedStream {
    /// The local end, once connected.
    public var localAddress: TransportAddress? { state == .connected ? key.local : nil }

    /// The other end, as this host sees it.
    public var remoteAddress: TransportAddress { key.remote }

    /// The connection is up.
    public var onConnect: (() -> Void)?

    /// Bytes arrived, split anywhere; borrowed for the call.
    public var onBytes: ((Span<UInt8>) -> Void)?

    /// The connection could not be made, broke, or was ended by the peer (`.endOfStream`).
    public var onClose: ((NetworkError) -> Void)?

    /// All that waited has left the host.
    public var onWritable: (() -> Void)?

    /// Bytes that were written and that have not left the host yet.
    public var unsentByteCount: Int { outbox.count }

    /// Whether it takes what arrives. One that does not lets ``receiveWindow`` bytes wait, and the peer's writing stalls behind them.
    public var isReading = true {
        didSet {
            updateWindow()
            handOverLater()
        }
    }

    /// How many bytes may wait to be read before the peer is told to send no more; what is on the way by then comes in.
    public static let receiveWindow = 65_536

    /// Whether what it sends and what is for it vanishes without a word, as where a middlebox has forgotten the connection.
    public var isStalled = false

    private enum State { case connecting, connected, closed }

    let key: StreamKey
    private weak var host: SimulatedHost?
    private var state: State
    private var outbox: [UInt8] = []
    private var sentCount = 0
    private var flushing: ScheduledWork?
    private var connectTimer: ScheduledWork?
    private var assembly = StreamAssembly()
    private var inbox: [UInt8] = []
    private var isFinished = false
    private var handingOver: ScheduledWork?
    private var window = (isOpen: true, changes: 0)
    private var peerWindow = (isOpen: true, changes: 0)

    /// What fits into one packet on an Ethernet.
    private static let largestPiece = 1460

    init(_ key: StreamKey, isAccepted: Bool, on host: SimulatedHost) {
        self.key = key
        self.host = host
        state = isAccepted ? .connected : .connecting
    }

    /// Queues bytes behind those written before; throws `.closed`.
    public func write(_ bytes: [UInt8]) throws(NetworkError) {
        guard state != .closed else { throw NetworkError(simulated: .closed, "write > \(key.remote)") }
        outbox += bytes
        flushLater()
    }

    /// Sends what was written, then the end of the stream, and drops the closures.
    public func close() {
        if state == .connected {
            sendPieces(untilBusy: false)
            send(.finish)
        }
        abandon()
    }

    /// Breaks the connection off: the peer sees `.connectionReset`.
    public func reset() {
        if state == .connected { send(.reset) }
        abandon()
    }

    /// Breaks the connection at both ends, as a middlebox does: each sees `.connectionReset`, on a turn of its own.
    public func breakOff() {
        guard let host, state == .connected else { return }
        send(.reset)
        host.fabric.scheduler.schedule(at: host.now) { [weak self] in self?.end(.connectionReset) }
    }

    /// Forgets the connection without a word to the peer.
    func abandon() {
        state = .closed
        if let host, host.streams[key] === self { host.streams[key] = nil }
        host = nil
        onConnect = nil
        onBytes = nil
        onClose = nil
        onWritable = nil
        outbox = []
        inbox = []
        for work in [flushing, connectTimer, handingOver] { work?.cancel() }
        (flushing, connectTimer, handingOver) = (nil, nil, nil)
    }
}

extension SimulatedStream: ByteStream {}

// MARK: - Out

extension SimulatedStream {
    func open() {
        guard let host else { return }
        send(.open)
        connectTimer = host.fabric.scheduler.schedule(at: host.now + host.connectTimeout) { [weak self] in
            self?.end(.timedOut)
        }
    }

    func acceptOpening() { send(.accept) }

    private func flushLater(at instant: Instant? = nil) {
        guard state == .connected, peerWindow.isOpen, flushing == nil, !outbox.isEmpty, let host else { return }
        flushing = host.fabric.scheduler.schedule(at: instant ?? host.now) { [weak self] in
            guard let self else { return }
            flushing = nil
            guard peerWindow.isOpen else { return }
            sendPieces(untilBusy: true)
            if outbox.isEmpty { onWritable?() }
        }
    }

    private func sendPieces(untilBusy: Bool) {
        guard let host else { return }
        var position = 0
        while position < outbox.count {
            let isBusy = route()?.interface.map { $0.link.busyUntil > host.now } ?? false
            if untilBusy, isBusy { break }
            let limit = min(host.streamPieceLimit ?? Self.largestPiece, outbox.count - position)
            let count = host.generator.pickCount(upTo: limit)
            send(.data(Array(outbox[position..<position + count])))
            position += count
        }
        outbox.removeFirst(position)
        flushLater(at: route()?.interface?.link.busyUntil)
    }

    private func route() -> SimulatedHost.Route? {
        try? host?.route(from: key.local.ip, to: key.remote.ip)
    }

    private func send(_ kind: StreamSegment.Kind) {
        guard let host else { return }
        var number = 0
        switch kind {
        case .data, .finish:
            number = sentCount
            sentCount += 1
        case .window: number = window.changes
        case .open, .accept, .reset: break
        }
        guard !isStalled else { return }
        let segment = StreamSegment(kind: kind, number: number)
        let packet = Packet(source: key.local, destination: key.remote, content: .segment(segment))
        // A host that has lost its way loses the piece, as real ones do until TCP gives up.
        if let route = route() { host.emit(packet, through: route.interface) }
    }
}

// MARK: - In

extension SimulatedStream {
    func receive(_ segment: StreamSegment) {
        guard !isStalled else { return }
        switch segment.kind {
        case .open: meet()
        case .accept: becomeConnected()
        case .window(let isOpen):
            guard segment.number > peerWindow.changes else { return }
            peerWindow = (isOpen, segment.number)
            flushLater()
        case .reset: end(state == .connecting ? .connectionRefused : .connectionReset)
        case .data, .finish:
            for piece in assembly.insert(segment) {
                if case .finish = piece.kind { isFinished = true } else { inbox += piece.payload }
            }
            updateWindow()
            handOverLater()
        }
    }

    /// RFC 9293 §3.5: both ends open the connection at the same time, and each takes the other's opening for an answer.
    private func meet() {
        guard state == .connecting else { return }
        send(.accept)
        becomeConnected()
    }

    private func updateWindow() {
        let isOpen = isReading || inbox.count < Self.receiveWindow
        guard state == .connected, isOpen != window.isOpen else { return }
        window = (isOpen, window.changes + 1)
        send(.window(isOpen: isOpen))
    }

    private func becomeConnected() {
        guard state == .connecting else { return }
        state = .connected
        connectTimer?.cancel()
        onConnect?()
        flushLater()
        handOverLater()
    }

    /// Reading is a turn of its own, so that pieces of one instant may flow together.
    private func handOverLater() {
        guard state == .connected, isReading, handingOver == nil, !inbox.isEmpty || isFinished, let host else { return }
        handingOver = host.fabric.scheduler.schedule(at: host.now) { [weak self] in
            self?.handingOver = nil
            self?.handOver()
        }
    }

    private func handOver() {
        guard isReading, let host else { return }
        guard !inbox.isEmpty else { return end(.endOfStream) }
        let limit = min(host.streamPieceLimit ?? .max, inbox.count)
        let bytes = Array(inbox[..<host.generator.pickCount(upTo: limit)])
        let count = bytes.count
        inbox.removeFirst(count)
        onBytes?(bytes.span)
        handOverLater()
    }

    private func end(_ code: NetworkError.Code) {
        let report = onClose
        abandon()
        report?(NetworkError(simulated: code, "connection \(key.local) > \(key.remote)"))
    }
}
