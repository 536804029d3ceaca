import NetBase
import TLS

@testable import ICETesting

/// Takes clients of a simulated host over TLS and DTLS, and carries what they say to a server on the same host, and back.
final class SecureFront {
    /// Whether it listens and never answers.
    var isSilent = false

    private let host: SimulatedHost
    private let server: TransportAddress
    private let contexts: [TransportProtocol: TLSContext]
    private var sockets: [SimulatedSocket] = []
    private var lines: [TransportAddress: Line] = [:]

    /// A front on the server's address.
    init(on host: SimulatedHost, of server: TransportAddress, port: UInt16 = 5349, _ certificate: ServerCertificate)
        throws
    {
        self.host = host
        self.server = server
        contexts = [
            .tls: try .server(.stream, certificateChain: certificate.certificate, privateKey: certificate.key),
            .dtls: try .server(.datagram, certificateChain: certificate.certificate, privateKey: certificate.key),
        ]
        let address = TransportAddress(server.ip, port: port)
        let socket = try host.bind(address)
        sockets = [socket]
        socket.onDatagram = { [weak self, weak socket] bytes, client in
            self?.receive(bytes, from: client) { try? socket?.send($0, to: client) }
        }
        _ = try host.listen(on: address) { [weak self] stream in try? self?.serve(stream) }
    }

    private func serve(_ stream: SimulatedStream) throws {
        let back = try host.connect(to: server)
        let line = try Line(contexts[.tls], on: host)
        line.toClient = { try? stream.write($0) }
        line.toServer = { try? back.write($0) }
        line.onEnd = {
            stream.close()
            back.close()
        }
        stream.onBytes = { [weak self] bytes in
            if self?.isSilent == false { line.receive(bytes) }
        }
        stream.onClose = { _ in line.end() }
        back.onBytes = { [weak self] bytes in
            if self?.isSilent == false { line.answer(bytes) }
        }
        back.onClose = { _ in line.end() }
    }

    private func receive(_ bytes: Span<UInt8>, from client: TransportAddress, reply: @escaping ([UInt8]) -> Void) {
        guard !isSilent else { return }
        if lines[client] == nil { lines[client] = try? makeLine(reply) }
        lines[client]?.receive(bytes)
        if lines[client]?.hasEnded == true { lines[client] = nil }
    }

    private func makeLine(_ reply: @escaping ([UInt8]) -> Void) throws -> Line {
        let line = try Line(contexts[.dtls], on: host)
        let back = try host.bind(TransportAddress(server.ip, port: 0))
        back.onDatagram = { [weak self, unowned line] bytes, _ in
            if self?.isSilent == false { line.answer(bytes) }
        }
        line.toClient = reply
        line.toServer = { [server] in try? back.send($0, to: server) }
        line.onEnd = { back.close() }
        return line
    }

    /// One client's session.
    private final class Line {
        var toClient: (([UInt8]) -> Void)?
        var toServer: (([UInt8]) -> Void)?
        var onEnd: (() -> Void)?
        var hasEnded: Bool { onEnd == nil }
        private let session: TLSSession
        private let host: SimulatedHost

        init(_ context: TLSContext?, on host: SimulatedHost) throws {
            guard let context else { throw NoContext() }
            session = try TLSSession(server: context)
            self.host = host
        }

        func receive(_ bytes: Span<UInt8>) {
            session.receive(bytes, at: host.now)
            perform()
        }

        func answer(_ bytes: Span<UInt8>) {
            try? session.write(bytes, at: host.now)
            perform()
        }

        func end() {
            let report = onEnd
            (toClient, toServer, onEnd) = (nil, nil, nil)
            report?()
        }

        private func perform() {
            while let effect = session.nextEffect() {
                switch effect {
                case .send(let bytes): toClient?(bytes)
                case .received(let bytes): toServer?(bytes)
                case .handshakeCompleted: break
                case .closed, .failed: end()
                }
            }
        }
    }

    private struct NoContext: Error {}
}
