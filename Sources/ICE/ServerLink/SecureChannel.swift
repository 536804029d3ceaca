import NetBase
import TLS

/// TLS over a `StreamChannel`, or DTLS over a `DatagramChannel` (RFC 7350).
///
/// It is open once the server has proved who it is: nothing is sent to it before (RFC 8489 §6.2.3).
final class SecureChannel: ServerChannel {
    var onOpen: (() -> Void)?
    var onBytes: ((Span<UInt8>) -> Void)?
    var onFailure: ((LinkError) -> Void)?
    var onUnreachable: ((NetworkError) -> Void)?
    var onWritable: (() -> Void)?
    var onDeadlineChange: (() -> Void)?

    private enum State { case handshaking, open, closed }

    private let platform: any Platform
    private let carrier: any ServerChannel
    private let session: TLSSession
    private var state = State.handshaking
    /// Whether the carrier is there, over which the handshake goes.
    private var hasCarrier = false
    private var isPumping = false
    /// Whether bytes were sent by a closure that was called meanwhile, and have waited for the call to end.
    private var hasWaiting = false
    private var toldDeadline: Instant?

    init(_ session: TLSSession, over carrier: any ServerChannel, on platform: any Platform) {
        self.platform = platform
        self.carrier = carrier
        self.session = session
        carrier.onOpen = { [weak self] in self?.carrierOpened() }
        carrier.onBytes = { [weak self] bytes in self?.receive(bytes) }
        carrier.onFailure = { [weak self] error in self?.carrierFailed(error) }
        carrier.onWritable = { [weak self] in self?.onWritable?() }
        carrier.onUnreachable = { [weak self] error in self?.unreachable(error) }
    }

    deinit { close() }

    var localAddress: TransportAddress? { carrier.localAddress }

    var unsentByteCount: Int { carrier.unsentByteCount + session.unsentByteCount }

    var deadline: Instant? { session.deadline }

    func open() { carrier.open() }

    func advance(to now: Instant) {
        session.advance(to: now)
        pump()
    }

    func send(_ bytes: [UInt8]) throws(NetworkError) {
        let operation = "send under TLS"
        guard state == .open else { throw .notConnected(operation) }
        do throws(TLSError) {
            try session.write(bytes.span, at: platform.now)
        } catch {
            let code: NetworkError.Code =
                switch error.code {
                case .messageTooLarge: .messageTooLarge
                case .bufferFull: .wouldBlock
                default: .closed
                }
            throw NetworkError(code, name: error.code.description, operation: operation)
        }
        if isPumping { hasWaiting = true }
        if let error = pump() { throw error }
    }

    func limitUnsent(to byteCount: Int) { carrier.limitUnsent(to: byteCount) }

    func close() {
        guard state != .closed else { return }
        state = .closed
        (onOpen, onBytes, onFailure, onUnreachable, onWritable, onDeadlineChange) = (nil, nil, nil, nil, nil, nil)
        session.shutdown()
        // Tells the server that this was no cut (RFC 8446 §6.1), as far as it can still be told.
        while let effect = session.nextEffect() {
            if case .send(let bytes) = effect { try? carrier.send(bytes) }
        }
        carrier.close()
    }
}

// MARK: - Driving the session

extension SecureChannel {
    private func carrierOpened() {
        hasCarrier = true
        session.start(at: platform.now)
        pump()
    }

    private func carrierFailed(_ error: LinkError) {
        fail(hasCarrier && state == .handshaking ? error.whileHandshaking : error)
    }

    private func receive(_ bytes: Span<UInt8>) {
        session.receive(bytes, at: platform.now)
        pump()
    }

    private func unreachable(_ error: NetworkError) {
        if state == .handshaking {
            fail(LinkError(.connection, error))
        } else {
            onUnreachable?(error)
        }
    }

    /// Performs the session's effects; the fault of what could not be sent comes back.
    ///
    /// A closure that sends gets its bytes sent by the call in progress, so that no data is delivered inside of a call of the user.
    @discardableResult
    private func pump() -> NetworkError? {
        guard !isPumping else { return nil }
        isPumping = true
        defer {
            isPumping = false
            tellDeadline()
            tellRoom()
        }
        var fault: NetworkError?
        while state != .closed, let effect = session.nextEffect() {
            switch effect {
            case .send(let bytes):
                if let error = transmit(bytes) { fault = error }
            case .handshakeCompleted:
                state = .open
                onOpen?()
            case .received(let bytes):
                onBytes?(bytes.span)
            case .closed:
                fail(LinkError(.connection, NetworkError(.endOfStream, name: "EOF", operation: "read under TLS")))
            case .failed(let error):
                fail(LinkError(error))
            }
        }
        return fault
    }

    private func tellDeadline() {
        guard session.deadline != toldDeadline else { return }
        toldDeadline = session.deadline
        onDeadlineChange?()
    }

    /// The carrier tells of no room where it never had too little.
    private func tellRoom() {
        guard hasWaiting else { return }
        hasWaiting = false
        if unsentByteCount == 0 { onWritable?() }
    }

    private func transmit(_ bytes: [UInt8]) -> NetworkError? {
        do throws(NetworkError) {
            try carrier.send(bytes)
            return nil
        } catch {
            // A record that a datagram socket does not take is as good as lost on the way.
            if state == .handshaking, error.code != .wouldBlock { fail(LinkError(.connection, error)) }
            return error
        }
    }

    private func fail(_ error: LinkError) {
        let report = onFailure
        close()
        report?(error)
    }
}
