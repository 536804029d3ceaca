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
}
