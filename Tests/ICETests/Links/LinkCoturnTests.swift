import ICE
import Testing

@Suite(
    "Links to a real coturn",
    .enabled(if: RelayServer.isInstalled, "turnserver, of the package coturn, is not installed"),
    .timeLimit(.minutes(1)))
struct LinkCoturnTests {
    private func ask(
        _ transport: TransportProtocol, _ server: RelayServer, on loop: EventLoop, trust: TLSOptions.Trust? = nil
    ) throws -> (responses: [STUNResponse], errors: [STUNClientError]) {
        let way = server.configuration(over: transport)
        var configuration = STUNClientConfiguration(host: way.host, port: way.port, transport: transport)
        configuration.tls.trust = trust ?? way.tls.trust
        let client = try STUNClient(loop: loop, configuration: configuration)
        defer { client.close() }
        var responses: [STUNResponse] = []
        var errors: [STUNClientError] = []
        client.onResponse = { responses.append($0) }
        client.onError = { errors.append($0) }
        for _ in 0..<3 { client.sendRequest() }
        #expect(loop.run(until: { responses.count + errors.count == 3 }, atMost: .seconds(10)))
        return (responses, errors)
    }

    @Test("Bindings are answered over UDP, TCP, TLS and DTLS")
    func transports() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop)
        for transport in TransportProtocol.allCases {
            let result = try ask(transport, server, on: loop)
            #expect(result.responses.map(\.reflexiveAddress.ip) == Array(repeating: .loopback(.v4), count: 3))
            #expect(result.errors == [])
        }
        server.stop()
        loop.close()
    }

    @Test("A certificate for another host is refused over TLS and DTLS; pinned, it is taken")
    func certificates() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop, certificate: ServerCertificate.elsewhere.get())
        for transport in [TransportProtocol.tls, .dtls] {
            let refused = try ask(transport, server, on: loop)
            #expect(refused.errors.map(\.code) == Array(repeating: .certificateHostMismatch, count: 3))
            let pinned = try ask(transport, server, on: loop, trust: .pinned(sha256: server.certificate.digest))
            #expect(pinned.responses.count == 3)
        }
        server.stop()
        loop.close()
    }

    @Test("A flight of the DTLS handshake that is lost is sent again")
    func lostFlight() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop)
        let way = server.configuration(over: .dtls)
        let target = TransportAddress(.loopback(.v4), port: server.securePort)
        // A wire that loses the first datagram of each direction.
        let wire = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
        var client: TransportAddress?
        var lost: Set<Bool> = []
        wire.onDatagram = { [unowned wire] bytes, source in
            let isFromServer = source == target
            if !isFromServer { client = source }
            guard !lost.insert(isFromServer).inserted, let client else { return }
            try? wire.send(bytes, to: isFromServer ? client : target)
        }
        var configuration = STUNClientConfiguration(
            host: "127.0.0.1", port: wire.localAddress.port, transport: .dtls)
        configuration.tls.trust = way.tls.trust
        let asking = try STUNClient(loop: loop, configuration: configuration)
        var answers = 0
        asking.onResponse = { _ in answers += 1 }
        asking.sendRequest()
        #expect(loop.run(until: { answers == 1 }, atMost: .seconds(20)))
        #expect(lost == [true, false])
        asking.close()
        wire.close()
        server.stop()
        loop.close()
    }
}
