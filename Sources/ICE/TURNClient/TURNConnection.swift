public import NetBase
import TURNCore

/// A TCP connection to a peer by way of a TURN server, which carries bytes as they are (RFC 6062).
///
/// ``TURNClient/connect(to:)`` and ``TURNConnectionAttempt/accept()`` make one. It lives on the client's loop and as long as it is open,
/// whether anybody holds it or not; its events come on a later turn of the loop than the call that caused them.
///
/// ```swift
/// var configuration = try TURNClientConfiguration(
///     url: "turn:turn.example.org?transport=tcp", username: "user", password: "secret")
/// configuration.relayTransport = .tcp
/// let client = try TURNClient(loop: loop, configuration: configuration)
/// client.onAllocate = { [unowned client] _ in
///     let connection = client.connect(to: peer)
///     connection.onConnect = { [unowned connection] in try? connection.send(Array("GET / HTTP/1.0\r\n\r\n".utf8)) }
///     connection.onData = { bytes in print("\(bytes.count) bytes") }
///     connection.onClose = { error in print(error) }
/// }
/// client.allocate()
/// ```
///
/// It has a connection to the server of its own, beside the client's. One way alone cannot be ended: whoever closes ends both.
public final class TURNConnection {
    /// How far a connection has come; it goes from one to the next, and may become closed from each.
    public enum State: Hashable, Sendable {
        /// The server is connecting to the peer.
        case connecting
        /// The peer's connection is there, and the client's own to the server is being made and bound to it (ConnectionBind).
        case binding
        /// Bytes go both ways.
        case open
        /// It came to nothing, or is over.
        case closed
    }

    /// Bytes may be sent from now on.
    public var onConnect: (() -> Void)?

    /// Bytes arrived, split anywhere; borrowed for the call, copy them to keep them.
    public var onData: ((Span<UInt8>) -> Void)?

    /// All that waited has been taken by the system: there is room again behind bytes that were refused with `wouldBlock`.
    public var onWritable: (() -> Void)?

    /// The connection could not be made, broke, or was ended by the peer (``TURNClientError/Code-swift.struct/endOfStream``).
    ///
    /// It is closed by then; this is its last event. It is not called after ``close()``, nor after the client was closed. Some servers,
    /// as coturn, break the connection off (``TURNClientError/Code-swift.struct/connectionFailed``) where the peer has ended its own in order:
    /// do not take the one for success and the other for failure. coturn may also lose the last bytes of a peer that ends its own at once:
    /// where that matters, have the protocol mark its end.
    public var onClose: ((TURNClientError) -> Void)?

    /// The peer's address, as the server sees it.
    public let peer: TransportAddress

    /// Whether the peer has connected to us, rather than we to it.
    public let isIncoming: Bool

    /// How far it has come; ahead of the events, which come on a later turn.
    public private(set) var state = State.connecting

    private weak var client: TURNClient?
    private var channel: (any ServerChannel)?
    private var binding: ConnectionBinding?

    init(with peer: TransportAddress, isIncoming: Bool, of client: TURNClient) {
        self.peer = peer
        self.isIncoming = isIncoming
        self.client = client
    }

    /// Sends bytes behind those sent before.
    ///
    /// - Throws: ``NetworkError`` with code `wouldBlock` where so many wait that these would exceed
    ///   ``TURNClientConfiguration/queueLimit``: none of them was taken, and ``onWritable`` tells when to send them. `closed` while the
    ///   connection is not open.
    public func send(_ bytes: [UInt8]) throws(NetworkError) {
        let unsent = unsentByteCount
        if let client, state == .open, !bytes.isEmpty, unsent > 0,
            unsent + bytes.count > client.configuration.queueLimit
        {
            throw NetworkError(.wouldBlock, name: "EAGAIN", operation: "send to \(peer) by relay")
        }
        try write(bytes)
    }

    /// Sends bytes behind those sent before; they are copied where they have to wait.
    public func send(_ bytes: Span<UInt8>) throws(NetworkError) { try send([UInt8](copying: bytes)) }

    /// Bytes that were sent and that the system has not taken yet; under TLS, what is around them counts too.
    public var unsentByteCount: Int { channel?.unsentByteCount ?? 0 }

    /// Ends the connection; the server ends the peer's.
    ///
    /// What the system has not taken is lost: wait until ``unsentByteCount`` is 0 where that matters. No event fires after it.
    public func close() {
        guard state != .closed else { return dropClosures() }
        abandon()
        client?.forget(self)
    }
}

// MARK: - What the client does with it

extension TURNConnection {
    /// Sends bytes behind those sent before, however many wait: the caller has limits of its own. Throws `closed` while it is not open.
    func write(_ bytes: [UInt8]) throws(NetworkError) {
        guard state == .open, let channel, client != nil else { throw .notConnected("send to \(peer) by relay") }
        if !bytes.isEmpty { try channel.send(bytes) }
    }

    /// Lets the system take no more than about so many bytes that it can't send yet, where it can be told.
    func limitUnsent(to byteCount: Int) { channel?.limitUnsent(to: byteCount) }

    /// What it tells; the client puts that in order with its own events.
    enum Event {
        case connected
        case closed(TURNClientError)
    }

    func dispatch(_ event: Event) {
        switch event {
        case .connected:
            if state == .open { onConnect?() }
        case .closed(let error):
            let report = onClose
            dropClosures()
            report?(error)
        }
    }

    /// When to call ``advance(to:)``.
    var deadline: Instant? { [binding?.deadline, channel?.deadline].compactMap { $0 }.min() }

    func advance(to now: Instant) {
        channel?.advance(to: now)
        if let failure = binding?.advance(to: now) { end(TURNClientError(binding: peer, failure)) }
    }

    /// Makes a connection to the server, and binds it to the peer's.
    func bind(_ connection: PeerConnection) {
        guard state == .connecting, let client else { return }
        state = .binding
        binding = client.makeBinding(of: connection)
        do throws(LinkError) {
            let channel = try client.link.makeDataChannel()
            self.channel = channel
            wire(channel)
            channel.open()
        } catch {
            end(TURNClientError(error))
        }
    }

    /// Is closed, and tells why.
    func end(_ error: TURNClientError) {
        guard state != .closed else { return }
        release()
        client?.forget(self)
        client?.schedule(.connection(self, .closed(error)))
    }

    /// Is closed without a word.
    func abandon() {
        release()
        dropClosures()
    }

    private func release() {
        state = .closed
        binding = nil
        channel?.close()
        channel = nil
    }

    private func dropClosures() { (onConnect, onData, onWritable, onClose) = (nil, nil, nil, nil) }
}

// MARK: - What the server sends

extension TURNConnection {
    private func wire(_ channel: any ServerChannel) {
        channel.onOpen = { [weak self] in self?.opened() }
        channel.onBytes = { [weak self] bytes in self?.receive(bytes) }
        channel.onFailure = { [weak self] error in self?.failed(error) }
        channel.onWritable = { [weak self] in self?.writable() }
        channel.onDeadlineChange = { [weak self] in self?.client?.setAlarm() }
    }

    private func opened() {
        updateBinding()
        guard let client, let request = binding?.start(at: client.platform.now) else { return }
        transmit(request)
        client.setAlarm()
    }

    private func receive(_ bytes: Span<UInt8>) {
        var offset = 0
        if state == .binding { receiveBinding(bytes, &offset) }
        guard state == .open, offset < bytes.count else { return }
        // What the user has still to hear comes before the data.
        client?.deliverEvents()
        if state == .open { onData?(bytes.extracting(offset..<bytes.count)) }
    }

    private func receiveBinding(_ bytes: Span<UInt8>, _ offset: inout Int) {
        updateBinding()
        while state == .binding, let now = client?.platform.now,
            let step = binding?.receive(bytes, from: &offset, at: now)
        {
            switch step {
            case .send(let request): transmit(request)
            case .bound:
                binding = nil
                state = .open
                client?.schedule(.connection(self, .connected))
            case .failed(let failure): end(TURNClientError(binding: peer, failure))
            }
        }
        client?.setAlarm()
    }

    /// What binds the connection is signed as the allocation's requests are, whose token may be another one by now.
    private func updateBinding() {
        guard binding != nil else { return }
        client?.update(&binding!)
    }

    private func writable() {
        guard state == .open else { return }
        client?.deliverEvents()
        if state == .open { onWritable?() }
    }

    private func transmit(_ request: [UInt8]) {
        do throws(NetworkError) {
            try channel?.send(request)
        } catch {
            failed(LinkError(.connection, error))
        }
    }

    private func failed(_ error: LinkError) {
        if state == .open, let fault = error.networkError {
            end(TURNClientError(endedBy: peer, fault))
        } else {
            end(TURNClientError(error))
        }
    }
}
