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
    enum State {
        case idle
        case resolving(any Cancellable)
        case connecting(any ServerChannel, TransportAddress)
        case open(any ServerChannel, TransportAddress)
        case closed
    }

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

    /// There is room again behind a droppable message that was refused.
    var onWritable: (() -> Void)?

    /// ``deadline`` is another than before.
    var onDeadlineChange: (() -> Void)?

    let platform: any Platform
    var endpoint: ServerEndpoint
    var sharedSocket: (any DatagramSocket)?
    weak var sharedChannel: DatagramChannel?
    var context: TLSContext?
    var state = State.idle
    var addresses: ArraySlice<TransportAddress> = []
    var framer: StreamFramer?
    /// Where the way led when it was open last.
    var lastServer: TransportAddress?
    var limit: Instant?
    /// When the next address joins in.
    var attemptLimit: Instant?
    var rivals: [Rival] = []
    /// The datagram that went to all addresses that race, for those that join in later.
    var unanswered: [UInt8]?

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
        ([limit, attemptLimit, channel?.deadline] + rivals.map(\.channel.deadline)).compactMap { $0 }.min()
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

    var channel: (any ServerChannel)? {
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
        endpoint.localAddress = endpoint.localAddress.map { TransportAddress($0.ip, port: 0) }
        guard let server = serverAddress else { return }
        reopen(at: [server] + addresses)
    }

    /// Begins anew with the same address from another of this machine's: the socket, where one is shared, else its address.
    func open(from socket: any DatagramSocket) {
        if isSharing { sharedSocket = socket }
        endpoint.localAddress = endpoint.localAddress.map { _ in TransportAddress(socket.localAddress.ip, port: 0) }
        release()
        openAgain()
    }

    /// Begins anew with the address of ``open(from:)``, unless that is under way or has succeeded.
    func openAgain() {
        guard case .idle = state, let lastServer else { return }
        reopen(at: [lastServer])
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
        for rival in rivals { rival.channel.advance(to: now) }
        let timeout = NetworkError(.timedOut, name: "ETIMEDOUT", operation: "reach \(endpoint.host)")
        let silence = LinkError(.connection, timeout)
        if let limit, limit <= now {
            fail(channel is SecureChannel ? silence.whileHandshaking : silence)
        } else if let attemptLimit, attemptLimit <= now {
            self.attemptLimit = nil
            if isSharing {
                fail(silence)
            } else {
                admitRival()
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
        if isRacing { sendToRivals(bytes) }
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
        (onOpen, onFrame, onStray, onFailure, onWritable, onDeadlineChange) = (nil, nil, nil, nil, nil, nil)
    }

    func release() {
        (limit, attemptLimit) = (nil, nil)
        framer = nil
        closeRivals()
        let old = state
        if case .closed = old {} else { state = .idle }
        switch old {
        case .resolving(let lookUp): lookUp.cancel()
        case .connecting(let channel, _), .open(let channel, _): channel.close()
        case .idle, .closed: break
        }
    }

    func fail(_ error: LinkError) {
        release()
        if !error.isAboutAddress { addresses = [] }
        onFailure?(error)
    }
}

// MARK: - Receiving

extension ServerLink {
    func receive(from server: TransportAddress, _ bytes: Span<UInt8>) {
        guard case .open = state else { return }
        guard endpoint.transport.isReliable else {
            if isRacing { win(server, bytes) }
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
