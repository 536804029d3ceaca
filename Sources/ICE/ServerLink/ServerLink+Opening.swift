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
        let preferred = usable.filter { $0.family == endpoint.preferredFamily }
        let ordered = preferred + usable.filter { $0.family != endpoint.preferredFamily }
        addresses = ordered.map { TransportAddress($0, port: endpoint.port) }[...]
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
    func makeContext() throws(TLSError) -> TLSContext {
        if let context { return context }
        let made = try endpoint.tls.makeContext(endpoint.transport.isReliable ? .stream : .datagram)
        context = made
        return made
    }
}
