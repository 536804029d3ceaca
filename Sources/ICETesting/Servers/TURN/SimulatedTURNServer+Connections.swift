import NetBase
import STUN
import TURNCore

// The connections that the server keeps (RFC 6062): clients', of which some carry a peer's bytes, and peers'.

extension SimulatedTURNServer {
    /// A client's connection.
    final class Connection {
        /// What comes on it.
        enum Content {
            /// Requests: nothing is allocated on it, and it may still become a peer's.
            case requests(STUNStreamDecoder)
            /// Requests and data of channels.
            case control(TURNStreamDecoder)
            /// A peer's bytes.
            case peer(UInt32)
        }

        let stream: SimulatedStream
        var content = Content.requests(STUNStreamDecoder())

        init(_ stream: SimulatedStream) { self.stream = stream }
    }

    /// A peer's connection to a relayed address, or from there.
    final class PeerLine {
        let stream: SimulatedStream
        /// Where its bytes go, as soon as they may.
        var client: SimulatedStream?
        /// "This includes data that was received after the associated Connect or request was successfully processed and before this
        /// ConnectionBind request was received" (RFC 6062 §5.4).
        var waiting: [UInt8] = []

        init(_ stream: SimulatedStream) { self.stream = stream }
    }

    /// Whether the bytes could be taken for what they are.
    func take(_ bytes: Span<UInt8>, on tuple: TURNFiveTuple, _ connection: Connection, at now: Instant) -> Bool {
        var offset = 0
        while offset < bytes.count {
            switch connection.content {
            case .peer(let id):
                try? peers[id]?.stream.write([UInt8](copying: bytes.extracting(offset..<bytes.count)))
                return true
            case .control(var decoder):
                let rest = bytes.extracting(offset..<bytes.count)
                let isTURN = (try? decoder.receive(rest) { receive($0, $1, of: tuple, at: now) }) != nil
                connection.content = .control(decoder)
                performEffects()
                return isTURN
            case .requests(var decoder):
                let message: STUNMessage?
                do throws(STUNError) {
                    message = try decoder.next(in: bytes, from: &offset)
                } catch {
                    return false
                }
                connection.content = .requests(decoder)
                guard let message else { return true }
                core.receive(message.bytes.span, on: tuple, at: now)
                if core.hasAllocation(tuple) { connection.content = .control(TURNStreamDecoder()) }
                performEffects()
            }
        }
        return true
    }

    private func receive(
        _ frame: TURNStreamDecoder.Frame, _ content: Span<UInt8>, of tuple: TURNFiveTuple, at now: Instant
    ) {
        switch frame {
        case .stunMessage: core.receive(content, on: tuple, at: now)
        case .channelData(let channel): core.receive(content, onChannel: channel, of: tuple, at: now)
        }
    }
}

// MARK: - Peers

extension SimulatedTURNServer {
    func listen(on relay: TransportAddress) {
        listeners[relay] = try? host?.listen(on: relay) { [weak self] stream in
            guard let self, !isSilent, let now = host?.now,
                let id = core.accept(from: stream.remoteAddress, onRelay: relay, at: now)
            else { return stream.close() }
            serve(PeerLine(stream), id)
            performEffects()
        }
    }

    func connect(_ id: UInt32, from relay: TransportAddress, to peer: TransportAddress) {
        guard let stream = try? host?.connect(to: peer, from: relay) else {
            return update { core, now in core.connected(id, false, at: now) }
        }
        serve(PeerLine(stream), id)
        stream.onConnect = { [weak self] in self?.update { core, now in core.connected(id, true, at: now) } }
    }

    /// Carries bytes between a peer and the client whose connection was bound to it.
    func join(_ id: UInt32, _ tuple: TURNFiveTuple) {
        guard let line = peers[id], let client = connections[tuple] else { return }
        client.content = .peer(id)
        // Behind the response, however long the server thinks.
        afterDelay { [weak client] in
            line.client = client?.stream
            try? line.client?.write(line.waiting)
            line.waiting = []
        }
    }

    func closePeer(_ id: UInt32) { peers.removeValue(forKey: id)?.stream.close() }

    func hangUp(_ tuple: TURNFiveTuple) { connections.removeValue(forKey: tuple)?.stream.close() }

    private func serve(_ line: PeerLine, _ id: UInt32) {
        peers[id] = line
        line.stream.onBytes = { [weak self, unowned line] bytes in
            guard let self, !isSilent else { return }
            if let client = line.client { return _ = try? client.write([UInt8](copying: bytes)) }
            line.waiting += [UInt8](copying: bytes)
            // "lets the server drop the connection if the buffer size is about to exceed a limit" (RFC 6062 §7).
            if line.waiting.count > settings.streamBacklog { lose(id) }
        }
        line.stream.onClose = { [weak self] _ in self?.lose(id) }
    }

    private func lose(_ id: UInt32) {
        closePeer(id)
        update { core, now in
            core.connected(id, false, at: now)
            core.peerClosed(id, at: now)
        }
    }
}
