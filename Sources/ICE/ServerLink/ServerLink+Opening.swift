import NetBase
import TLS

// MARK: - Opening

extension ServerLink {
    func resolved(_ result: Result<[IPAddress], NetworkError>) {
        guard case .resolving = state else { return }
        switch result {
        case .success(let found): tryAddresses(found)
        case .failure(let error): fail(LinkError(.nameResolution, error))
        }
    }

    func tryAddresses(_ found: [IPAddress]) {
        let usable = found.filter { sharedSocket == nil || $0.family == sharedSocket?.localAddress.family }
        addresses = alternating(usable).map { TransportAddress($0, port: endpoint.port) }[...]
        let none = NetworkError(.nameNotFound, name: "ENODATA", operation: "resolve \(endpoint.host)")
        tryNextAddress(after: LinkError(.nameResolution, none))
    }

    func reopen(at servers: [TransportAddress]) {
        if case .closed = state { return }
        release()
        limit = platform.now + endpoint.openingLimit
        addresses = servers[...]
        let none = NetworkError(.nameNotFound, name: "ENODATA", operation: endpoint.host)
        tryNextAddress(after: LinkError(.nameResolution, none))
    }

    /// Opens a way to the next address that allows it; with none left, the last fault is the failure's reason.
    func tryNextAddress(after fault: LinkError) {
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
        expectRival(after: Self.attemptDelay)
        wire(channel, to: server)
        onDeadlineChange?()
        channel.open()
    }

    func wire(_ channel: any ServerChannel, to server: TransportAddress) {
        channel.onOpen = { [weak self] in self?.opened(server) }
        channel.onBytes = { [weak self] bytes in self?.receive(from: server, bytes) }
        channel.onFailure = { [weak self] error in self?.channelFailed(server, error) }
        channel.onDeadlineChange = { [weak self] in self?.onDeadlineChange?() }
        channel.onWritable = { [weak self] in self?.onWritable?() }
        channel.onUnreachable = { [weak self] error in
            guard let self, !retire(server) else { return }
            // The socket stays: the next request may get through.
            onFailure?(LinkError(.unreachable, error))
        }
    }

    private func opened(_ server: TransportAddress) {
        guard case .connecting = state, let channel = settle(on: server) else { return }
        state = .open(channel, server)
        lastServer = server
        limit = nil
        attemptLimit = nil
        if endpoint.transport.isReliable {
            framer = StreamFramer(endpoint.framing)
        } else if let silenceLimit = endpoint.silenceLimit, endpoint.transport == .udp {
            expectRival(after: isSharing ? silenceLimit : Self.attemptDelay)
        }
        onDeadlineChange?()
        onOpen?(server)
    }

    private func channelFailed(_ server: TransportAddress, _ error: LinkError) {
        if case .connecting(let channel, _) = state, error.isAboutAddress {
            if retire(server) { return admitRival() }
            channel.close()
            return tryNextAddress(after: error)
        }
        fail(error)
    }
}

// MARK: - Channels

extension ServerLink {
    func makeChannel(to server: TransportAddress) throws(LinkError) -> any ServerChannel {
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

    /// Another connection to the server that is in use: "utilizing the same destination transport address to which the control connection
    /// was established" (RFC 6062 §4.3). It is the caller's.
    func makeDataChannel() throws(LinkError) -> any ServerChannel {
        guard case .open(_, let server) = state else {
            throw LinkError(.connection, .notConnected("connect to \(endpoint.host) once more"))
        }
        return try makeChannel(to: server)
    }

    private func makeDatagramChannel(to server: TransportAddress) throws(NetworkError) -> DatagramChannel {
        // Of a port that is shared with other clients the server's five-tuple may be taken: then the link has a socket of its own.
        if sharedSocket?.claim(server.unmapped, as: .relayServer) == false { sharedSocket = nil }
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
    func makeContext() throws(TLSError) -> TLSContext {
        if let context { return context }
        let made = try endpoint.tls.makeContext(endpoint.transport.isReliable ? .stream : .datagram)
        context = made
        return made
    }
}
