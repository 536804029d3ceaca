import ICECore
import Logging
import NetBase
import STUN

extension ICEClient {
    func open(_ id: SocketID, on ip: IPAddress, _ transport: Candidate.Transport, for path: StreamComponent) {
        if case .tcp(let type) = transport { return openConnections(id, type, on: ip, for: path) }
        let configuration = configuration
        do throws(NetworkError) {
            let socket = try bindSocket(on: ip, with: configuration)
            prepare(socket, with: configuration)
            adopt(socket, as: id, for: path)
            agent.socketOpened(id, at: socket.localAddress, now: platform.now)
        } catch {
            logger.debug("no socket", metadata: ["error": "\(loggable(error))"])
            agent.socketFailed(id, reason: bindingFault(error), now: platform.now)
        }
    }

    /// What a socket can do without is no reason to do without the socket.
    private func prepare(_ socket: any DatagramSocket, with configuration: ICEConfiguration) {
        do throws(NetworkError) {
            try socket.growBuffers(receive: configuration.receiveBufferSize, send: configuration.sendBufferSize)
            if configuration.reportsTrafficClass { try socket.reportTrafficClass() }
        } catch {
            logger.debug("a socket option is refused", metadata: ["error": "\(loggable(error))"])
        }
    }

    /// Takes over a socket of this machine, or one that stands for a relayed address.
    func adopt(_ socket: any DatagramSocket, as id: SocketID, for path: StreamComponent) {
        let adopted = ClientSocket(id: id, socket: socket, path: path, of: reference)
        socket.receiveBatches { batch, source in adopted.client?.receive(batch, from: source, on: adopted) }
        socket.onWritable = { adopted.client?.writable(adopted.id) }
        socket.onUnreachable = { adopted.client?.unreachable($0, from: adopted.id, $1) }
        sockets.append(adopted)
    }

    private func unreachable(_ destination: TransportAddress, from id: SocketID, _ error: NetworkError) {
        for relay in relays
        where relay.via == id && relay.client.isSharing && relay.client.serverAddress == destination {
            relay.client.unreachable(error)
        }
        input { $0.unreachable(destination, from: id, error, isLocal: false, now: $1) }
    }

    func closeSocket(_ id: SocketID) {
        endMapping(of: id)
        dropSocket(id)
        closeRelay(id)
    }

    func dropSocket(_ id: SocketID) {
        guard let index = sockets.firstIndex(where: { $0.id == id }) else { return }
        keepTraffic(of: sockets[index])
        sockets.remove(at: index).close()
    }

    func withSocket(_ id: SocketID, _ body: (ClientSocket) -> Void) {
        guard let socket = sockets.first(where: { $0.id == id }) else { return }
        body(socket)
    }

    func admit(_ address: TransportAddress, on id: SocketID) {
        withSocket(id) { known in
            if known.admit(address) { member?.port?.counted.identifiedConnections += 1 }
        }
        resume(id, to: address)
    }

    func expel(_ address: TransportAddress, from id: SocketID) {
        guard let known = sockets.first(where: { $0.id == id }), let traffic = known.expel(address) else { return }
        known.socket.release(address, as: .checkedPeer)
        keepTraffic(traffic, with: address, on: id)
    }

    func use(_ path: StreamComponent, _ id: SocketID, _ destination: TransportAddress) {
        let before = paths.first { $0.path == path }
        let waiting = before.map { takeGathered(from: $0) } ?? GatheredDatagrams()
        drop(path)
        guard let socket = sockets.first(where: { $0.id == id })?.socket, claim(destination, on: socket, for: path)
        else {
            if let before { lose(waiting, of: before) }
            return
        }
        // A restart's pair over the same addresses counts from its own beginning.
        if let before, before.id == id, before.destination == destination {
            withSocket(id) { $0.resetTraffic { $0 != destination } }
        }
        let way = DataPath(path: path, id: id, socket: socket, destination: destination)
        paths = paths + [way]
        // What the old way had no room for may find some on the new one.
        way.gathered = waiting
        if !waiting.isEmpty { scheduleFlush() }
        // RFC 8445 §7.2.1 leaves it to the client: a channel saves 32 bytes a packet.
        (socket as? RelayedSocket)?.bindChannel(to: destination)
    }

    /// Ends a component's way, and keeps what was counted on it.
    func drop(_ path: StreamComponent) {
        guard let way = paths.first(where: { $0.path == path }) else { return }
        paths = paths.filter { $0 !== way }
        // Of room on this way nobody will be told any more.
        if way.isBlocked { tellWritable(path) }
        release(way)
        lose(takeGathered(from: way), of: way)
        keepTraffic(of: way)
    }

    private func lose(_ waiting: GatheredDatagrams, of way: DataPath) {
        if !waiting.isEmpty { countDiscarded(waiting.count, waiting.bytes.count, on: way) }
    }

    /// Takes from a path what it has no room for now.
    private func takeGathered(from way: DataPath) -> GatheredDatagrams {
        flush(way)
        let rest = way.gathered
        way.gathered = GatheredDatagrams()
        return rest
    }

    // MARK: Room for data

    /// A socket has room again, and with it the relays whose server is spoken to from it.
    func writable(_ id: SocketID) {
        for relay in relays where relay.via == id && relay.client.isSharing { relay.client.sharedSocketIsWritable() }
        for way in paths where way.id == id {
            flush(way)
            guard way.isBlocked, way.gathered.isEmpty, !way.isSuspended else { continue }
            way.isBlocked = false
            tellWritable(way.path)
        }
    }

    func tellWritable(_ path: StreamComponent) {
        platform.enqueue { [reference] in
            // Of a component that was removed meanwhile nothing is told.
            guard let client = reference.client, !client.isClosed, client.agent.hasComponent(path) else { return }
            client.onWritable?(path)
            client.listener?.iceClient(client, canSendOn: path)
        }
    }

    // MARK: Sending STUN

    func send(stun bytes: [UInt8], from id: SocketID, to destination: TransportAddress) {
        guard let known = sockets.first(where: { $0.id == id }) else { return }
        let hasConnection = known.connections.map { $0.connections[destination] != nil } ?? true
        do {
            try known.socket.send(bytes.span, to: destination)
        } catch  where error.code == .wouldBlock {
            // As good as lost on the way: retransmission sees to it.
        } catch  where !hasConnection {
            // That it can't be made ends the use of a pair, too (RFC 6544 §11.1).
            agent.disconnected(destination, from: id, error, wasConnected: false, now: platform.now)
        } catch {
            agent.unreachable(destination, from: id, error, isLocal: true, now: platform.now)
        }
        if known.connections?.connections[destination]?.isConnected == true {
            agent.handedOver(to: destination, from: id, now: platform.now)
        }
    }

    func keepAlive(_ bytes: [UInt8], _ path: StreamComponent, unlessSentWithin interval: Duration) {
        guard let way = paths.first(where: { $0.path == path }) else { return }
        if let last = way.lastSentAt, platform.now - last < interval {
            agent.postponeKeepalive(of: path, to: last + interval)
            return
        }
        // A keepalive that is lost is followed by another.
        try? way.socket.send(bytes.span, to: way.destination)
    }

    // MARK: Signs of life

    /// The agent is told of the first datagram that nothing has come back for; of the others it learns when it looks.
    func noteSent(on way: DataPath) {
        let now = platform.now
        way.lastSentAt = now
        if way.unansweredSince == nil { way.unansweredSince = now }
        guard !way.expectsReply else { return }
        way.expectsReply = true
        agent.sentData(on: way.path, now: now)
        setAlarm()
    }

    func noteReceived(from source: TransportAddress, on socket: ClientSocket, at now: Instant) {
        for index in paths.indices where paths[index].id == socket.id && paths[index].destination == source {
            paths[index].lastReceivedAt = now
            paths[index].unansweredSince = nil
        }
    }

    func reportData() {
        for way in paths {
            agent.noteData(on: way.path, receivedAt: way.lastReceivedAt, unansweredSince: way.unansweredSince)
        }
    }

    func reviewExpectations() {
        for way in paths { way.expectsReply = agent.expectsReply(on: way.path) }
    }
}
