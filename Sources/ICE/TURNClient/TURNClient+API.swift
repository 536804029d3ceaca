public import Logging
public import NetBase
import TURNCore
public import UV

extension TURNClient {
    /// A client on an event loop; throws for a configuration that makes no sense.
    ///
    /// - Parameters:
    ///   - loop: Where its sockets and timers live; all of its methods are called on that loop's thread.
    ///   - configuration: The server, and what it is asked for.
    ///   - logger: Gets debug messages; silent unless given. No credential is logged.
    public convenience init(
        loop: EventLoop, configuration: TURNClientConfiguration, logger: Logger? = nil
    ) throws(TURNClientError) {
        try self.init(platform: UVPlatform(loop), configuration: configuration, logger: logger)
    }

    /// Asks for an address: ``onAllocate``, or one of ``onResponseError`` and ``onError``, comes of it.
    ///
    /// It does nothing while that is under way or an allocation is there.
    public func allocate() {
        guard phase == .idle else { return }
        if let pauseEnd, platform.now < pauseEnd {
            return schedule(
                .failed(
                    TURNClientError(
                        .tooEarly,
                        "the server asked for a pause of \(pauseEnd - platform.now): ask again then, or another server")
                ))
        }
        phase = .opening
        askedServers = askedServers.filter { platform.now - $0.value < Self.redirectMemory }
        link.open()
        perform()
    }

    /// Asks the server to keep the allocation for a time, or to release it: zero. ``onRefresh`` tells what it gave.
    public func refresh(lifetime: Duration) {
        input { $0.refresh(lifetime: lifetime, at: $1) }
    }

    /// Hands over an access token, which ``onAccessTokenNeeded`` asks for; nil says that there is none to be had.
    ///
    /// It may come at any time: an allocation that was made with a token is refreshed with the new one at once, others use it when they
    /// are made. Without one, name and password are used where there are any (RFC 7635 §6.1), and what was made with a token ends with it.
    public func provide(accessToken token: TURNAccessToken?) {
        guard phase != .closed else { return }
        if let token { accessToken = (token, platform.now + token.lifetime) }
        guard core != nil else { return }
        core!.provide(token, at: platform.now)
        perform()
    }

    /// Lets a peer in, whatever its port, and keeps the door open until ``close()``; only after ``onAllocate``.
    ///
    /// The server drops the datagrams of a peer, and closes its TCP connections, until ``onCreatePermission``: tell the peer the relayed
    /// address after it (RFC 8656 §9, RFC 6062 §5.3).
    public func createPermission(for peer: IPAddress) {
        guard phase == .allocated else { return missing(.permissionLost(peer), .noAllocation, "\(peer)") }
        input { $0.permit(peer, at: $1) }
    }

    /// Makes a peer's data travel on a channel, with 4 bytes in front instead of 36, and lets the peer in; only after ``onAllocate``.
    public func bindChannel(to peer: TransportAddress) {
        guard phase == .allocated else { return missing(.channelLost(peer), .noAllocation, "\(peer)") }
        input { $0.bind(peer, at: $1) }
    }

    /// Relays one datagram to a peer, on its channel if there is one.
    ///
    /// - Throws: ``NetworkError`` with code `wouldBlock` where the way to the server takes no more right now, `notPermitted` where the
    ///   peer has no permission, `closed` where there is no allocation, `messageTooLarge`. The datagram is dropped then; as
    ///   with any datagram, no error does not mean that it arrives. `invalidArgument` where the relayed address speaks TCP:
    ///   ``connect(to:)`` is the way there.
    public func send(_ bytes: Span<UInt8>, to peer: TransportAddress) throws(NetworkError) {
        do throws(NetworkError) {
            try frame(bytes, to: peer)
            try link.send(outgoing, isDroppable: true)
            statistics.packetsSent += 1
            statistics.bytesSent += UInt64(bytes.count)
        } catch {
            switch error.code {
            case .notPermitted, .closed: statistics.packetsWithoutPermission += 1
            default: statistics.packetsDiscardedOnSend += 1
            }
            throw error
        }
    }

    /// Relays one datagram with these bytes.
    public func send(_ bytes: [UInt8], to peer: TransportAddress) throws(NetworkError) {
        try send(bytes.span, to: peer)
    }

    /// What is known of the allocation; nil while there is none.
    public var allocation: TURNAllocation? {
        guard phase == .allocated, let state = core?.state, let server = link.serverAddress else { return nil }
        return TURNAllocation(state, from: link.localAddress, on: server)
    }

    /// How long the server's redirections are remembered: "within the last five minutes" (RFC 8489 §10).
    static let redirectMemory = Duration.seconds(300)

    /// Frames a datagram in the buffer whose memory all of them share.
    private func frame(_ bytes: Span<UInt8>, to peer: TransportAddress) throws(NetworkError) {
        guard phase == .allocated else { throw .notConnected("relay to \(peer)") }
        guard configuration.relayTransport == .udp else {
            throw NetworkError(.invalidArgument, name: "EPROTOTYPE", operation: "relay a datagram to \(peer) over TCP")
        }
        guard bytes.count <= ChannelData.maximumByteCount else {
            throw NetworkError(.messageTooLarge, name: "EMSGSIZE", operation: "relay to \(peer)")
        }
        if core?.withholdsData == true {
            throw NetworkError(.wouldBlock, name: "EAGAIN", operation: "relay to \(peer)")
        }
        if core?.frame(bytes, to: peer, over: &outgoing, at: platform.now) == true { return }
        throw NetworkError(.notPermitted, name: "EPERM", operation: "relay to \(peer)")
    }

    private func input(_ body: (inout AllocationClient, Instant) -> Void) {
        guard phase == .allocated, core != nil else { return }
        body(&core!, platform.now)
        perform()
    }
}

// MARK: - For whoever uses the allocation for candidates

extension TURNClient {
    /// The address that the server is reached from; nil before there is a connection.
    package var localAddress: TransportAddress? { link.localAddress }

    /// The server's address, as soon as something is sent there.
    package var serverAddress: TransportAddress? { link.serverAddress }

    /// Whether requests still leave from the shared socket: a port that the server refuses is given up for one of the client's own.
    package var isSharing: Bool { link.isSharing }

    /// Takes the news that the shared socket has room again.
    package func sharedSocketIsWritable() { writable() }

    /// Takes a datagram that came from ``serverAddress`` to the shared socket.
    package func receive(_ bytes: Span<UInt8>) { link.receive(bytes) }

    /// Takes the news that a datagram from the shared socket did not reach the server.
    package func unreachable(_ error: NetworkError) { link.unreachable(error) }

    /// Whether the allocation can be taken along to another address (RFC 8016).
    package var isMobile: Bool { core?.isMobile == true }

    /// Keeps the allocation for ``move(to:)``: the address that the server is reached from is gone.
    package func leave() {
        guard phase == .allocated, isMobile else { return }
        core?.leave(at: platform.now)
        setAlarm()
    }

    /// Goes on from another address of this machine's, with the ticket that the server has given.
    package func move(to socket: any DatagramSocket) {
        leave()
        guard core?.isAway == true else { return }
        link.open(from: socket)
        perform()
    }

    /// Asks again what could not be asked for want of a route.
    package func networkChanged() {
        if core?.isAway == true { link.openAgain() }
        core?.repeatMove()
        perform()
    }

    /// A socket for each relayed address that speaks UDP; they live until they are closed, or the allocation ends.
    package func makeRelayedSockets() -> [RelayedSocket] {
        guard configuration.relayTransport == .udp else { return [] }
        let made = (allocation?.relayedAddresses ?? []).map { RelayedSocket(self, at: $0) }
        sockets += made
        return made
    }
}
