import NetBase
import STUN

/// A connection from a TCP candidate's port to a STUN server: what it says there has STUN's own framing alone (RFC 8489 §6.2.2).
final class ServerConnection {
    private let stream: any ByteStream
    private var decoder = STUNStreamDecoder()

    /// Asks as soon as it is connected.
    ///
    /// - Parameters:
    ///   - onMessage: Gets each message, borrowed for the call.
    ///   - onEnd: Told if the connection can't be made, breaks, or carries something else than STUN.
    init(
        _ stream: any ByteStream, asking request: [UInt8], onMessage: @escaping (Span<UInt8>) -> Void,
        onEnd: @escaping (NetworkError) -> Void
    ) {
        self.stream = stream
        stream.onConnect = { [weak stream] in
            do throws(NetworkError) { try stream?.write(request) } catch { onEnd(error) }
        }
        stream.onBytes = { [weak self] bytes in self?.receive(bytes, onMessage, onEnd) }
        stream.onClose = onEnd
    }

    /// Nothing is on its way any more; where this end closed in order, the system would let no other connection from this port to the server
    /// for a minute (RFC 9293 §3.6), and a restart asks again.
    func close() { stream.reset() }

    private func receive(
        _ bytes: Span<UInt8>, _ onMessage: (Span<UInt8>) -> Void, _ onEnd: (NetworkError) -> Void
    ) {
        var offset = 0
        do throws(STUNError) {
            while let message = try decoder.next(in: bytes, from: &offset) { onMessage(message.bytes.span) }
        } catch {
            onEnd(
                NetworkError(.other, name: "EPROTO", operation: "ask \(stream.remoteAddress), which is no STUN server"))
        }
    }
}

// RFC 6544 §5.2: what a NAT makes of the port is asked "from host's passive candidates", and from simultaneous-open ones.
extension TCPCandidateSocket {
    /// Asks a server from this port; its answer comes as a datagram from there. One question a server is under way at a time.
    ///
    /// Throws `.notConnected` where the port is shared by clients, and what the system knows of at once.
    func ask(_ server: TransportAddress, _ request: [UInt8]) throws(NetworkError) {
        guard isListening else { throw fault(.notConnected, "ENOTCONN", server) }
        servers.removeValue(forKey: server)?.close()
        let stream = try platform.connectStream(to: server, from: localAddress, sharesPort: true)
        servers[server] = ServerConnection(stream, asking: request) { [weak self] message in
            self?.deliver(message, from: server)
        } onEnd: { [weak self] error in
            self?.lose(server, error)
        }
    }

    private func lose(_ server: TransportAddress, _ error: NetworkError) {
        guard let connection = servers.removeValue(forKey: server) else { return }
        connection.close()
        onDisconnect?(server, error, false)
    }

    /// RFC 6544 §11.2: a connection to a STUN server "SHOULD be closed by the client once ICE processing has completed".
    func leaveServers() {
        for connection in servers.values { connection.close() }
        servers = [:]
    }
}
