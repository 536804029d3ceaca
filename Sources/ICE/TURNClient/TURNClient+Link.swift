import NetBase
import STUN
import TURNCore

extension TURNClient {
    func listen() {
        link.onOpen = { [weak self] server in self?.linkOpened(to: server) }
        link.onFrame = { [weak self] frame, bytes in self?.receive(frame, bytes) }
        link.onStray = { [weak self] _ in self?.statistics.foreignMessages += 1 }
        link.onWritable = { [weak self] in self?.writable() }
        link.onDeadlineChange = { [weak self] in self?.setAlarm() }
        link.onFailure = { [weak self] error in
            self?.linkFailed(error)
            self?.perform()
        }
    }

    private func linkOpened(to server: TransportAddress) {
        if phase == .allocated {
            core?.arrive(at: platform.now)
            return perform()
        }
        guard phase == .opening else { return }
        phase = .allocating
        askedServers[server] = platform.now
        // From a new port, the same one goes on: it counts them.
        if core == nil { core = makeCore() }
        core?.allocate(at: platform.now)
        perform()
    }

    private func makeCore() -> AllocationClient {
        var options = configuration.options
        if !demandsPort { (options.evenPort, options.reservationToken) = (nil, nil) }
        options.asksForAccessTokens = onAccessTokenNeeded != nil || observerHasTokens
        var core = AllocationClient(
            options, generator: platform.makeRandomNumberGenerator(), isReliable: configuration.transport.isReliable)
        if let (token, expiry) = accessToken, platform.now < expiry {
            core.provide(token, until: expiry, at: platform.now)
        }
        return core
    }

    /// The way broke, or an ICMP error came; before there is an allocation, the server's next address may do better.
    func linkFailed(_ error: LinkError) {
        switch phase {
        case .idle, .closed:
            link.reset()
        case .opening, .allocating:
            if error.isAboutAddress, startAtNextAddress() { return }
            end(with: .failed(TURNClientError(error)))
        case .allocated where core?.isAway == true:
            // The route may come later than the address.
            link.reset()
        case .allocated:
            // Other ICMP errors come and go with routes; if this one stays, the next refresh tells.
            if error.kind == .unreachable, error.networkError?.code != .connectionRefused { return }
            end(with: .lost(TURNClientError(error)))
        }
    }

    /// Begins anew with the next address of the server's name; false if there is none.
    func startAtNextAddress() -> Bool {
        core = nil
        phase = .opening
        return link.openNextAddress()
    }

    /// There is no allocation any more, or none came about.
    func end(with event: TURNEvent?) {
        phase = .idle
        core = nil
        endConnections()
        link.reset()
        if let event { schedule(event) }
    }
}

// MARK: - What the server sends

extension TURNClient {
    private func receive(_ frame: TURNStreamDecoder.Frame, _ bytes: Span<UInt8>) {
        switch frame {
        case .channelData(let channel):
            guard let peer = core?.peer(on: channel, at: platform.now) else {
                statistics.foreignMessages += 1
                return
            }
            deliver(bytes, from: peer)
        case .stunMessage:
            guard let message = try? STUNMessage(parsing: bytes) else {
                statistics.foreignMessages += 1
                return
            }
            receive(message)
        }
    }

    private func receive(_ message: STUNMessage) {
        if message.messageClass == .indication, let (peer, range) = core?.payload(of: message, at: platform.now) {
            deliver(message.bytes.span.extracting(range), from: peer)
        } else {
            core?.receive(message, at: platform.now)
            perform()
        }
    }

    private func deliver(_ bytes: Span<UInt8>, from peer: TransportAddress) {
        // What the user has still to hear comes before the data.
        deliverEvents()
        guard phase == .allocated else { return }
        core?.noteData()
        statistics.packetsReceived += 1
        statistics.bytesReceived += UInt64(bytes.count)
        for socket in sockets where socket.localAddress.family == peer.family { socket.onDatagram?(bytes, peer) }
        onData?(bytes, peer)
    }
}
