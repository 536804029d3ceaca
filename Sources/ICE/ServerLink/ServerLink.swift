import NetBase
import STUN
import TLS
import TURNCore

/// The way to a server: looks its name up, connects to one address after the other, and cuts what comes into messages.
///
/// Its closures are called on turns of the loop of which none is inside a call of the client's user, but for calls that open: those
/// may report at once.
///
///     idle ─▶ resolving ─▶ connecting ─▶ open ──┐
///      ▲          │          │ ▲ next address   │
///      └──────────┴──────────┴─┴── failure ◀────┘      close: from anywhere, for good
final class ServerLink {
    private enum State {
        case idle
        case resolving(any Cancellable)
        case connecting(any ServerChannel, TransportAddress)
        case open(any ServerChannel, TransportAddress)
        case closed
    }

    /// How long connecting to one address may take where there is another one to try.
    private static let attemptLimit = Duration.seconds(3)

    /// The way is open, to this address.
    var onOpen: ((TransportAddress) -> Void)?

    /// A datagram, or a message of the stream, came from the server; the bytes are borrowed for the call.
    ///
    /// A datagram of neither kind is handed on as a STUN message, which will not parse.
    var onFrame: ((TURNStreamDecoder.Frame, Span<UInt8>) -> Void)?

    /// A datagram came from somebody else.
    var onStray: (([UInt8]) -> Void)?

    /// What was sent so far is lost; the way may be opened again. After ``LinkError/Kind/unreachable`` it is still open.
    var onFailure: ((LinkError) -> Void)?

    /// ``deadline`` is another than before.
    var onDeadlineChange: (() -> Void)?

    private let platform: any Platform
    private var endpoint: ServerEndpoint
    private var sharedSocket: (any DatagramSocket)?
    private weak var sharedChannel: DatagramChannel?
    private var context: TLSContext?
    private var state = State.idle
    private var addresses: ArraySlice<TransportAddress> = []
    private var framer: StreamFramer?
    private var limit: Instant?
    private var attemptLimit: Instant?

    /// A link that makes its own sockets, or one that rides on a UDP socket of somebody else's.
    init(
        platform: any Platform, endpoint: ServerEndpoint, sharing socket: (any DatagramSocket)? = nil
    ) throws(TLSError) {
        self.platform = platform
        self.endpoint = endpoint
        sharedSocket = socket
        // The system's authorities take a while to read; those that were handed over may be wrong.
        if endpoint.tls.trust != .system { try makeContext() }
    }

    deinit { release() }

    /// When to call ``advance(to:)``.
    var deadline: Instant? {
        [limit, attemptLimit, channel?.deadline].compactMap { $0 }.min()
    }

    var isOpen: Bool {
        if case .open = state { true } else { false }
    }

    /// The server's address, as soon as something is sent there.
    var serverAddress: TransportAddress? {
        switch state {
        case .connecting(_, let server), .open(_, let server): server
        case .idle, .resolving, .closed: nil
        }
    }

    /// Our end of the open way.
    var localAddress: TransportAddress? { channel?.localAddress }

    /// Whether datagrams leave from somebody else's socket.
    var isSharing: Bool { sharedSocket != nil }

    private var channel: (any ServerChannel)? {
        switch state {
        case .connecting(let channel, _), .open(let channel, _): channel
        case .idle, .resolving, .closed: nil
        }
    }
}

// MARK: - Inputs

extension ServerLink {
    /// Begins to open the way, unless that has begun.
    func open() {
        guard case .idle = state else { return }
        limit = platform.now + endpoint.openingLimit
        if let ip = IPAddress(endpoint.host) { return tryAddresses([ip]) }
        do throws(NetworkError) {
            state = .resolving(try platform.resolve(endpoint.host) { [weak self] result in self?.resolved(result) })
        } catch {
            fail(LinkError(.nameResolution, error))
        }
    }

    /// Begins anew with another server, whose certificate has to be for the name, if one is given (RFC 8489 §10).
    func open(at server: TransportAddress, certificateName: String?) {
        if let certificateName { endpoint.tls.serverName = certificateName }
        if endpoint.tls.serverName == nil { endpoint.tls.serverName = endpoint.host }
        reopen(at: [server])
    }

    /// Begins anew with the same address, from a new local port.
    func openFromNewPort() {
        sharedSocket = nil
        guard let server = serverAddress else { return }
        reopen(at: [server] + addresses)
    }

    /// Begins with the next address of the server's name; false if there is none.
    func openNextAddress() -> Bool {
        guard !addresses.isEmpty else { return false }
        reopen(at: Array(addresses))
        return true
    }

    /// Gives up what takes too long.
    func advance(to now: Instant) {
        channel?.advance(to: now)
        let silence = NetworkError(.timedOut, name: "ETIMEDOUT", operation: "reach \(endpoint.host)")
        if let limit, limit <= now {
            fail(LinkError(.connection, silence))
        } else if let attemptLimit, attemptLimit <= now {
            self.attemptLimit = nil
            if isOpen {
                fail(LinkError(.connection, silence))
            } else {
                channel?.close()
                tryNextAddress(after: LinkError(.connection, silence))
            }
        }
    }

    /// Hands a message to the network; only while open.
    ///
    /// Throws ``NetworkError/Code/wouldBlock`` for a droppable one that a stream has no room for; the others are queued always.
    func send(_ bytes: [UInt8], isDroppable: Bool = false) throws(NetworkError) {
        guard case .open(let channel, _) = state else { throw .notConnected("send to \(endpoint.host)") }
        let unsent = channel.unsentByteCount
        if isDroppable, unsent > 0, unsent + bytes.count > endpoint.queueLimit {
            throw NetworkError(.wouldBlock, name: "EAGAIN", operation: "send to \(endpoint.host)")
        }
        try channel.send(bytes)
    }

    /// Takes a datagram that came from the server to the socket that is shared.
    func receive(_ bytes: Span<UInt8>) { sharedChannel?.onBytes?(bytes) }

    /// Takes the news that a datagram from the socket that is shared did not reach the server.
    func unreachable(_ error: NetworkError) { sharedChannel?.onUnreachable?(error) }

    /// Stays with the address in use: the server has shown that it is the right one.
    func settle() {
        addresses = []
        attemptLimit = nil
    }

    /// Lets go of the connection, so that the next ``open()`` makes a new one.
    func reset() {
        guard case .closed = state else {
            release()
            addresses = []
            return
        }
    }

    /// Lets go of everything, for good.
    func close() {
        release()
        state = .closed
        sharedSocket = nil
        (onOpen, onFrame, onStray, onFailure, onDeadlineChange) = (nil, nil, nil, nil, nil)
    }

    private func release() {
        (limit, attemptLimit) = (nil, nil)
        framer = nil
        let old = state
        if case .closed = old {} else { state = .idle }
        switch old {
        case .resolving(let lookUp): lookUp.cancel()
        case .connecting(let channel, _), .open(let channel, _): channel.close()
        case .idle, .closed: break
        }
    }

    private func fail(_ error: LinkError) {
        release()
        if !error.isAboutAddress { addresses = [] }
        onFailure?(error)
    }
}

// MARK: - Opening

extension ServerLink {
    private func resolved(_ result: Result<[IPAddress], NetworkError>) {
        guard case .resolving = state else { return }
        switch result {
        case .success(let found): tryAddresses(found)
        case .failure(let error): fail(LinkError(.nameResolution, error))
        }
    }

    private func tryAddresses(_ found: [IPAddress]) {
        let usable = found.filter { sharedSocket == nil || $0.family == sharedSocket?.localAddress.family }
        let preferred = usable.filter { $0.family == endpoint.preferredFamily }
        let ordered = preferred + usable.filter { $0.family != endpoint.preferredFamily }
        addresses = ordered.map { TransportAddress($0, port: endpoint.port) }[...]
        let none = NetworkError(.nameNotFound, name: "ENODATA", operation: "resolve \(endpoint.host)")
        tryNextAddress(after: LinkError(.nameResolution, none))
    }

    private func reopen(at servers: [TransportAddress]) {
        if case .closed = state { return }
        release()
        limit = platform.now + endpoint.openingLimit
        addresses = servers[...]
        let none = NetworkError(.nameNotFound, name: "ENODATA", operation: endpoint.host)
        tryNextAddress(after: LinkError(.nameResolution, none))
    }

    /// Opens a way to the next address that allows it; with none left, the last fault is the failure's reason.
    private func tryNextAddress(after fault: LinkError) {
        var fault = fault
        while let server = addresses.popFirst() {
            do throws(LinkError) {
                return start(try makeChannel(to: server), to: server)
            } catch {
                guard error.isAboutAddress else { return fail(error) }
                fault = error
            }
        }
        fail(fault)
    }

    private func start(_ channel: any ServerChannel, to server: TransportAddress) {
        state = .connecting(channel, server)
        attemptLimit = addresses.isEmpty ? nil : platform.now + Self.attemptLimit
        channel.onOpen = { [weak self] in self?.opened() }
        channel.onBytes = { [weak self] bytes in self?.receive(from: server, bytes) }
        channel.onFailure = { [weak self] error in self?.channelFailed(error) }
        channel.onDeadlineChange = { [weak self] in self?.onDeadlineChange?() }
        // The socket stays: the next request may get through.
        channel.onUnreachable = { [weak self] error in self?.onFailure?(LinkError(.unreachable, error)) }
        onDeadlineChange?()
        channel.open()
    }

    private func opened() {
        guard case .connecting(let channel, let server) = state else { return }
        state = .open(channel, server)
        limit = nil
        attemptLimit = nil
        if endpoint.transport.isReliable {
            framer = StreamFramer(endpoint.framing)
        } else if let silenceLimit = endpoint.silenceLimit, !addresses.isEmpty {
            attemptLimit = platform.now + silenceLimit
        }
        onDeadlineChange?()
        onOpen?(server)
    }

    private func channelFailed(_ error: LinkError) {
        if case .connecting(let channel, _) = state, error.isAboutAddress {
            channel.close()
            return tryNextAddress(after: error)
        }
        fail(error)
    }
}

// MARK: - Channels

extension ServerLink {
    private func makeChannel(to server: TransportAddress) throws(LinkError) -> any ServerChannel {
        let carrier: any ServerChannel
        do throws(NetworkError) {
            switch endpoint.transport {
            case .tcp, .tls: carrier = try StreamChannel(on: platform, to: server)
            case .udp, .dtls: carrier = try makeDatagramChannel(to: server)
            }
        } catch {
            throw LinkError(.connection, error)
        }
        guard endpoint.transport == .tls || endpoint.transport == .dtls else { return carrier }
        do throws(TLSError) {
            let identity = ServerIdentity(host: endpoint.tls.serverName ?? endpoint.host)
            let session = try TLSSession(client: try makeContext(), identity: identity)
            return SecureChannel(session, over: carrier, on: platform)
        } catch {
            carrier.close()
            throw LinkError(error)
        }
    }

    private func makeDatagramChannel(to server: TransportAddress) throws(NetworkError) -> DatagramChannel {
        guard let sharedSocket else {
            let channel = try DatagramChannel(on: platform, to: server, from: endpoint.localAddress)
            channel.onStray = { [weak self] bytes in self?.onStray?(bytes) }
            return channel
        }
        let channel = try DatagramChannel(sharing: sharedSocket, to: server)
        sharedChannel = channel
        return channel
    }

    @discardableResult
    private func makeContext() throws(TLSError) -> TLSContext {
        if let context { return context }
        let made = try endpoint.tls.makeContext(endpoint.transport.isReliable ? .stream : .datagram)
        context = made
        return made
    }
}

// MARK: - Receiving

extension ServerLink {
    private func receive(from server: TransportAddress, _ bytes: Span<UInt8>) {
        guard case .open = state else { return }
        guard endpoint.transport.isReliable else {
            attemptLimit = nil
            return receive(datagram: bytes)
        }
        // Taken out, so that a user who resets the link in a closure does not meet it in use.
        guard var framer else { return }
        self.framer = nil
        do throws(LinkError) {
            try framer.receive(bytes) { frame, bytes in
                // A user may have closed the client because of the message before.
                if isOpen { onFrame?(frame, bytes) }
            }
            if isOpen, self.framer == nil { self.framer = framer }
        } catch {
            if isOpen { fail(error) }
        }
    }

    private func receive(datagram bytes: Span<UInt8>) {
        guard endpoint.framing == .turn, bytes.count > 0, bytes[0] >> 6 == 1 else {
            onFrame?(.stunMessage, bytes)
            return
        }
        guard let message = ChannelData(datagram: bytes) else { return }
        onFrame?(.channelData(message.channel), bytes.extracting(message.payload))
    }
}
