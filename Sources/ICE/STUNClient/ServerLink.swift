import NetBase
import STUN

/// The way to a server: looks its name up, opens a socket or a connection, and tells messages from the rest.
///
/// Its closures are called on turns of the loop of which none is inside a call of the client's user.
///
///     idle ─▶ resolving ─▶ connecting (streams) ─▶ open ──┐
///      ▲          │              │ ▲ next address         │
///      └──────────┴──────────────┴─┴── failure ◀──────────┘      close: from anywhere, for good
final class ServerLink {
    private enum State {
        case idle
        case resolving(any Cancellable)
        case connecting(any ByteStream)
        case datagrams(any DatagramSocket, TransportAddress)
        case stream(any ByteStream, TransportAddress)
        case closed
    }

    /// The way is open, to this address.
    var onOpen: ((TransportAddress) -> Void)?

    /// A datagram or a message of the stream came from the server; the bytes are borrowed for the call.
    var onMessage: ((Span<UInt8>) -> Void)?

    /// A datagram came from somebody else.
    var onStray: (([UInt8]) -> Void)?

    /// What was sent so far is lost; the way may be opened again.
    var onFailure: ((STUNClientError) -> Void)?

    private let platform: any Platform
    private let configuration: STUNClientConfiguration
    private var state = State.idle
    private var addresses: ArraySlice<IPAddress> = []
    private var decoder = STUNStreamDecoder()

    /// When the look-up or the connecting is given up; nil where nothing is under way.
    private(set) var deadline: Instant?

    init(platform: any Platform, configuration: STUNClientConfiguration) {
        self.platform = platform
        self.configuration = configuration
    }

    deinit { release() }

    var isOpen: Bool {
        switch state {
        case .datagrams, .stream: true
        case .idle, .resolving, .connecting, .closed: false
        }
    }

    /// Begins to open the way, unless that has begun.
    func open() {
        guard case .idle = state else { return }
        deadline = platform.now + configuration.retransmission.reliableTimeout
        if let ip = IPAddress(configuration.host) { return tryAddresses([ip]) }
        do throws(NetworkError) {
            state = .resolving(
                try platform.resolve(configuration.host) { [weak self] result in self?.resolved(result) })
        } catch {
            fail(.nameResolutionFailed, error)
        }
    }

    /// Gives up what takes too long.
    func advance(to now: Instant) {
        guard let deadline, deadline <= now else { return }
        let operation = "reach \(configuration.host)"
        fail(.connectionFailed, NetworkError(.timedOut, name: "ETIMEDOUT", operation: operation))
    }

    /// Hands bytes to the network; only while open.
    func send(_ bytes: [UInt8]) throws(NetworkError) {
        switch state {
        case .datagrams(let socket, let server): try socket.send(bytes.span, to: server)
        case .stream(let stream, _): try stream.write(bytes)
        case .idle, .resolving, .connecting, .closed:
            throw NetworkError(.closed, name: "ENOTCONN", operation: "send to \(configuration.host)")
        }
    }

    /// Lets go of the connection, so that the next ``open()`` makes a new one.
    func reset() {
        guard case .closed = state else {
            release()
            state = .idle
            return
        }
    }

    /// Lets go of everything, for good.
    func close() {
        release()
        state = .closed
        (onOpen, onMessage, onStray, onFailure) = (nil, nil, nil, nil)
    }

    private func release() {
        deadline = nil
        addresses = []
        decoder = STUNStreamDecoder()
        switch state {
        case .resolving(let lookUp): lookUp.cancel()
        case .connecting(let stream), .stream(let stream, _): stream.close()
        case .datagrams(let socket, _): socket.close()
        case .idle, .closed: break
        }
    }

    private func fail(_ code: STUNClientError.Code, _ error: NetworkError) {
        reset()
        onFailure?(STUNClientError(code, "\(error)", networkError: error))
    }
}

// MARK: - Opening

extension ServerLink {
    private func resolved(_ result: Result<[IPAddress], NetworkError>) {
        guard case .resolving = state else { return }
        switch result {
        case .success(let found) where found.isEmpty:
            fail(.nameResolutionFailed, NetworkError(.nameNotFound, name: "ENODATA", operation: configuration.host))
        case .success(let found): tryAddresses(found)
        case .failure(let error): fail(.nameResolutionFailed, error)
        }
    }

    private func tryAddresses(_ found: [IPAddress]) {
        let preferred = found.filter { $0.family == configuration.preferredFamily }
        addresses = (preferred + found.filter { $0.family != configuration.preferredFamily })[...]
        tryNextAddress(after: NetworkError(.nameNotFound, name: "ENODATA", operation: configuration.host))
    }

    /// Opens a way to the next address that allows it; with none left, the last fault is the failure's reason.
    private func tryNextAddress(after fault: NetworkError) {
        var fault = fault
        while let ip = addresses.popFirst() {
            let server = TransportAddress(ip, port: configuration.effectivePort)
            do throws(NetworkError) {
                if configuration.transport.isReliable {
                    try connect(to: server)
                } else {
                    try bind(for: server)
                }
                return
            } catch {
                fault = error
            }
        }
        fail(.connectionFailed, fault)
    }

    private func bind(for server: TransportAddress) throws(NetworkError) {
        let local = configuration.localAddress ?? TransportAddress(.any(server.family), port: 0)
        guard local.family == server.family else {
            throw NetworkError(.invalidArgument, name: "EAFNOSUPPORT", operation: "send from \(local) to \(server)")
        }
        let socket = try platform.bindDatagramSocket(to: local)
        socket.onDatagram = { [weak self] bytes, source in
            if source.unmapped == server.unmapped {
                self?.onMessage?(bytes)
            } else {
                self?.onStray?([UInt8](copying: bytes))
            }
        }
        socket.onUnreachable = { [weak self] destination, error in
            guard destination.unmapped == server.unmapped else { return }
            // The socket stays: the next request may get through.
            self?.onFailure?(STUNClientError(.unreachable, "\(error)", networkError: error))
        }
        opened(.datagrams(socket, server), server)
    }

    private func connect(to server: TransportAddress) throws(NetworkError) {
        let stream = try platform.connectStream(to: server)
        state = .connecting(stream)
        stream.onConnect = { [weak self] in
            guard let self, case .connecting(let stream) = state else { return }
            opened(.stream(stream, server), server)
        }
        stream.onBytes = { [weak self] bytes in self?.receive(bytes) }
        stream.onClose = { [weak self] error in self?.streamClosed(error) }
    }

    private func opened(_ state: State, _ server: TransportAddress) {
        self.state = state
        deadline = nil
        addresses = []
        onOpen?(server)
    }
}

// MARK: - Streams

extension ServerLink {
    private func receive(_ bytes: Span<UInt8>) {
        var offset = 0
        do throws(STUNError) {
            while let message = try decoder.next(in: bytes, from: &offset) {
                onMessage?(message.bytes.span)
                // A user may have closed the client because of that message.
                guard case .stream = state else { return }
            }
        } catch {
            reset()
            onFailure?(STUNClientError(.notSTUN, "the server sent something else than STUN: \(error)"))
        }
    }

    private func streamClosed(_ error: NetworkError) {
        if case .connecting(let stream) = state {
            stream.close()
            return tryNextAddress(after: error)
        }
        fail(.connectionFailed, error)
    }
}
