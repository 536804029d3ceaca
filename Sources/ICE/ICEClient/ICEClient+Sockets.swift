import ICECore
import Logging
import NetBase
import STUN

extension ICEClient {
    func open(_ id: SocketID, on ip: IPAddress, for path: StreamComponent) {
        do throws(NetworkError) {
            let socket = try bindSocket(on: ip)
            adopt(socket, as: id, for: path)
            agent.socketOpened(id, at: socket.localAddress, now: platform.now)
        } catch {
            logger.debug("no socket", metadata: ["error": "\(loggable(error))"])
            agent.socketFailed(id, reason: bindingFault(error), now: platform.now)
        }
    }

    /// Takes over a socket of this machine, or one that stands for a relayed address.
    func adopt(_ socket: any DatagramSocket, as id: SocketID, for path: StreamComponent) {
        socket.onDatagram = { [weak self] bytes, source in self?.receive(bytes, from: source, on: id) }
        socket.onWritable = { [weak self] in self?.writable(id) }
        socket.onUnreachable = { [weak self] destination, error in
            guard let self else { return }
            for relay in relays where relay.via == id && relay.client.serverAddress == destination {
                relay.client.unreachable(error)
            }
            input { $0.unreachable(destination, from: id, error, isLocal: false, now: $1) }
        }
        sockets.append(ClientSocket(id: id, socket: socket, path: path))
    }

    func closeSocket(_ id: SocketID) {
        dropSocket(id)
        closeRelay(id)
    }

    func dropSocket(_ id: SocketID) {
        guard let index = sockets.firstIndex(where: { $0.id == id }) else { return }
        keepTraffic(of: sockets[index])
        sockets.remove(at: index).socket.close()
    }

    func withSocket(_ id: SocketID, _ body: (inout ClientSocket) -> Void) {
        guard let index = sockets.firstIndex(where: { $0.id == id }) else { return }
        body(&sockets[index])
    }

    func admit(_ address: TransportAddress, on id: SocketID) {
        withSocket(id) {
            $0.admit(address)
            // On a shared port another client may have been quicker; it keeps the address until this one's check is answered.
            _ = $0.socket.claim(address, as: .unprovenPeer)
        }
    }

    func expel(_ address: TransportAddress, from id: SocketID) {
        guard let index = sockets.firstIndex(where: { $0.id == id }),
            let traffic = sockets[index].expel(address)
        else { return }
        sockets[index].socket.release(address)
        keepTraffic(traffic, with: address, on: id)
    }

    func use(_ path: StreamComponent, _ id: SocketID, _ destination: TransportAddress) {
        let before = paths.first { $0.path == path }
        drop(path)
        guard let socket = sockets.first(where: { $0.id == id })?.socket else { return }
        // What carries data has answered a check; a lite agent has asked nothing.
        _ = socket.claim(destination, as: configuration.isLite ? .unprovenPeer : .peer)
        // A restart's pair over the same addresses counts from its own beginning.
        if let before, before.id == id, before.destination == destination {
            withSocket(id) { $0.resetTraffic { $0 != destination } }
        }
        paths.append(DataPath(path: path, id: id, socket: socket, destination: destination))
        // What the old way had no room for may find some on the new one.
        if before?.isBlocked == true { tellWritable(path) }
        // RFC 8445 §7.2.1 leaves it to the client: a channel saves 32 bytes a packet.
        (socket as? RelayedSocket)?.bindChannel(to: destination)
    }

    /// A peer that is given up may be another client's, on a shared port.
    func loseAddress(of path: StreamComponent) {
        guard let lost = paths.first(where: { $0.path == path }) else { return }
        lost.socket.release(lost.destination)
    }

    /// Ends a component's way, and keeps what was counted on it.
    func drop(_ path: StreamComponent) {
        guard let index = paths.firstIndex(where: { $0.path == path }) else { return }
        keepTraffic(of: paths.remove(at: index))
    }

    // MARK: Room for data

    /// A socket has room again, and with it the relays whose server is spoken to from it.
    private func writable(_ id: SocketID) {
        for relay in relays where relay.via == id && relay.client.isSharing { relay.client.sharedSocketIsWritable() }
        for index in paths.indices where paths[index].id == id && paths[index].isBlocked {
            paths[index].isBlocked = false
            tellWritable(paths[index].path)
        }
    }

    private func tellWritable(_ path: StreamComponent) {
        platform.enqueue { [weak self] in
            guard let self, !isClosed else { return }
            onWritable?(path)
            listener?.iceClient(self, canSendOn: path)
        }
    }

    // MARK: Sending STUN

    func send(stun bytes: [UInt8], from id: SocketID, to destination: TransportAddress) {
        guard let socket = sockets.first(where: { $0.id == id })?.socket else { return }
        do {
            try socket.send(bytes.span, to: destination)
        } catch  where error.code == .wouldBlock {
            // As good as lost on the way: retransmission sees to it.
        } catch {
            agent.unreachable(destination, from: id, error, isLocal: true, now: platform.now)
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
    func noteSent(onPathAt index: Int) {
        let now = platform.now
        paths[index].lastSentAt = now
        if paths[index].unansweredSince == nil { paths[index].unansweredSince = now }
        guard !paths[index].expectsReply else { return }
        paths[index].expectsReply = true
        agent.sentData(on: paths[index].path, now: now)
        setAlarm()
    }

    private func noteReceived(from source: TransportAddress, on socket: ClientSocket) {
        for index in paths.indices
        where paths[index].socket === socket.socket && paths[index].destination == source {
            paths[index].lastReceivedAt = platform.now
            paths[index].unansweredSince = nil
        }
    }

    func reportData() {
        for index in paths.indices {
            let path = paths[index]
            agent.noteData(on: path.path, receivedAt: path.lastReceivedAt, unansweredSince: path.unansweredSince)
        }
    }

    func reviewExpectations() {
        for index in paths.indices { paths[index].expectsReply = agent.expectsReply(on: paths[index].path) }
    }

    // MARK: Receiving

    /// Takes a datagram apart from others: STUN goes to the agent, the rest is the application's if an authenticated check has
    /// validated its source, whatever its first byte.
    private func receive(_ bytes: Span<UInt8>, from source: TransportAddress, on id: SocketID) {
        if let relay = relay(on: id, from: source, bytes) {
            relay.client.receive(bytes)
        } else if STUNMessage.looksLikeSTUN(bytes) {
            input { $0.receive(bytes, from: source, on: id, now: $1) }
        } else if let index = sockets.firstIndex(where: { $0.id == id }),
            sockets[index].accept(bytes.count, from: source, at: platform.now)
        {
            noteReceived(from: source, on: sockets[index])
            deliver(bytes, on: sockets[index].path, from: id)
        } else {
            counted.foreignDatagrams += 1
        }
    }

    private func deliver(_ bytes: Span<UInt8>, on path: StreamComponent, from id: SocketID) {
        counted.packetsReceived += 1
        counted.bytesReceived += UInt64(bytes.count)
        // What the application has still to hear comes before the data.
        deliverEvents()
        guard !isClosed, sockets.contains(where: { $0.id == id }) else { return }
        stream(bytes, on: path)
        onData?(bytes, path)
        listener?.iceClient(self, didReceive: bytes, on: path)
    }
}
