import ICE
import NetBase
import STUN
import TLS
import Testing

@Suite("Links to servers over TLS and DTLS")
struct LinkSecureTests {
    private struct Setting {
        let fixture: STUNClientFixture
        let server: SecureServer
    }

    private func setting(
        _ transport: TransportProtocol, host: String = "192.0.2.1",
        _ certificate: Result<ServerCertificate, any Error> = ServerCertificate.here, trust: TLSOptions.Trust? = nil,
        serverName: String? = nil
    ) throws -> Setting {
        let certificate = try certificate.get()
        let fixture = try STUNClientFixture(host: host, transport: transport) {
            $0.tls.trust = trust ?? .authorities(pem: certificate.certificate)
            $0.tls.serverName = serverName
        }
        fixture.platform.names = ["turn.example": [serverAddress.ip], "elsewhere.example": [serverAddress.ip]]
        fixture.platform.listeners = [TransportAddress(serverAddress.ip, port: 5349)]
        let server = try SecureServer(fixture.platform, transport, certificate)
        let core = STUNServerCore()
        server.onPlaintext = { bytes in
            core.respond(to: bytes.span, from: publicAddress).map { [$0.bytes] } ?? []
        }
        return Setting(fixture: fixture, server: server)
    }

    @Test(
        "Requests are answered, under the address and the name of the certificate",
        arguments: [TransportProtocol.tls, .dtls])
    func answers(transport: TransportProtocol) throws {
        for host in ["192.0.2.1", "turn.example"] {
            let setting = try setting(transport, host: host)
            setting.fixture.client.sendRequest()
            setting.fixture.client.sendRequest()
            setting.fixture.platform.run(for: .seconds(1))
            let answer = STUNClientFixture.Event.response(publicAddress, .milliseconds(10))
            #expect(setting.fixture.events == [answer, answer])
        }
    }

    @Test("A port that speaks no TLS is asked about: one that answers in its own way, hangs up, or is silent")
    func plainPort() throws {
        let answers: [((FakeStream) -> Void)?] = [
            { $0.deliver(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), after: .milliseconds(5)) },
            { $0.onClose?(NetworkError(.connectionReset, name: "ECONNRESET", operation: "read")) },
            { $0.onClose?(NetworkError(.endOfStream, name: "EOF", operation: "read")) },
            nil,
        ]
        for answer in answers {
            let setting = try setting(.tls)
            let platform = setting.fixture.platform
            var message: String?
            setting.fixture.client.onError = { message = message ?? $0.message }
            platform.onWrite = { [weak platform] _, stream in
                platform?.schedule(after: .milliseconds(5)) { if !stream.isClosed { answer?(stream) } }
            }
            setting.fixture.client.sendRequest()
            platform.run(for: .seconds(60))
            #expect(message?.contains("is this its port for TLS") == true, "\(message ?? "nothing")")
        }
    }

    @Test("A server that is not there is not asked about TLS")
    func nobody() throws {
        let setting = try setting(.tls)
        setting.fixture.platform.listeners = []
        var message: String?
        setting.fixture.client.onError = { message = $0.message }
        setting.fixture.client.sendRequest()
        setting.fixture.platform.run(for: .seconds(60))
        #expect(message?.contains("nobody listens there") == true && message?.contains("TLS") == false)
    }

    @Test("Any split of a TLS stream will do", arguments: [1, 2, 3, 17, 16_384])
    func splits(segment: Int) throws {
        let setting = try setting(.tls)
        setting.server.segment = segment
        for _ in 0..<5 { setting.fixture.client.sendRequest() }
        setting.fixture.platform.run(for: .seconds(1))
        #expect(setting.fixture.events == Array(repeating: .response(publicAddress, .milliseconds(10)), count: 5))
    }

    @Test(
        "A6.5: a certificate for another host is refused, and nothing is told to the server",
        arguments: [TransportProtocol.tls, .dtls])
    func otherHost(transport: TransportProtocol) throws {
        for host in ["192.0.2.1", "turn.example"] {
            let setting = try setting(transport, host: host, ServerCertificate.elsewhere)
            let id = setting.fixture.client.sendRequest()
            setting.fixture.platform.run(for: .seconds(10))
            #expect(setting.fixture.events == [.error(.certificateHostMismatch, id)])
            #expect(setting.server.heard == [])
            #expect(setting.fixture.platform.openCount == 0)
        }
    }

    @Test(
        "The certificate may be for a name that was given beside the host", arguments: [TransportProtocol.tls, .dtls])
    func serverName(transport: TransportProtocol) throws {
        let setting = try setting(transport, ServerCertificate.elsewhere, serverName: "elsewhere.example")
        setting.fixture.client.sendRequest()
        setting.fixture.platform.run(for: .seconds(1))
        #expect(setting.fixture.events == [.response(publicAddress, .milliseconds(10))])
    }

    @Test("A stranger's certificate is refused by the system's authorities", arguments: [TransportProtocol.tls, .dtls])
    func untrusted(transport: TransportProtocol) throws {
        let setting = try setting(transport, trust: .system)
        let id = setting.fixture.client.sendRequest()
        setting.fixture.platform.run(for: .seconds(10))
        #expect(setting.fixture.events == [.error(.certificateRejected, id)])
        #expect(setting.server.heard == [])
    }

    @Test(
        "A pinned certificate is taken whatever its name; another is refused",
        arguments: [TransportProtocol.tls, .dtls])
    func pinning(transport: TransportProtocol) throws {
        let pin = try ServerCertificate.elsewhere.get().digest
        #expect(pin.count == 32)
        let right = try setting(transport, ServerCertificate.elsewhere, trust: .pinned(sha256: pin))
        right.fixture.client.sendRequest()
        right.fixture.platform.run(for: .seconds(1))
        #expect(right.fixture.events == [.response(publicAddress, .milliseconds(10))])
        let wrong = try setting(transport, ServerCertificate.here, trust: .pinned(sha256: pin))
        let id = wrong.fixture.client.sendRequest()
        wrong.fixture.platform.run(for: .seconds(10))
        #expect(wrong.fixture.events == [.error(.certificateRejected, id)])
        #expect(wrong.server.heard == [])
    }

    @Test("Without verification anyone is taken", arguments: [TransportProtocol.tls, .dtls])
    func unverified(transport: TransportProtocol) throws {
        let setting = try setting(transport, ServerCertificate.elsewhere, trust: .unverified)
        setting.fixture.client.sendRequest()
        setting.fixture.platform.run(for: .seconds(1))
        #expect(setting.fixture.events == [.response(publicAddress, .milliseconds(10))])
    }

    @Test("A server that ends the session fails what is in flight, and the next request makes a new session")
    func ended() throws {
        let setting = try setting(.tls)
        let server = setting.server
        server.onPlaintext = { [unowned server] _ in
            setting.fixture.platform.schedule(after: .milliseconds(1)) { server.shutDown() }
            return []
        }
        let id = setting.fixture.client.sendRequest()
        setting.fixture.platform.run(for: .seconds(1))
        #expect(setting.fixture.events == [.error(.connectionFailed, id)])
        #expect(setting.fixture.platform.streams.map(\.isClosed) == [true])
        setting.fixture.client.sendRequest()
        setting.fixture.platform.run(for: .milliseconds(15))
        #expect(setting.fixture.platform.streams.map(\.isClosed) == [true, false])
    }

    @Test(
        "A server that does not speak TLS fails the request at once; a silent one after 39.5 s",
        arguments: [true, false])
    func noTLS(answers: Bool) throws {
        let setting = try setting(.tls)
        setting.fixture.platform.onWrite = { _, stream in
            if answers { stream.deliver(Array("HTTP/1.1 400 no\r\n\r\n".utf8), after: .milliseconds(5)) }
        }
        let id = setting.fixture.client.sendRequest()
        setting.fixture.platform.run(for: .seconds(100))
        #expect(setting.fixture.events == [.error(answers ? .tlsFailed : .connectionFailed, id)])
        #expect(setting.fixture.eventTimes == [answers ? 15 : 39_500])
        #expect(setting.fixture.platform.streams.map(\.isClosed) == [true])
    }

    @Test("Closing tells the server, in any state", arguments: [TransportProtocol.tls, .dtls])
    func closing(transport: TransportProtocol) throws {
        for time in [1, 11, 21, 31, 100] {
            let setting = try setting(transport)
            setting.fixture.client.sendRequest()
            setting.fixture.platform.run(for: .milliseconds(time))
            setting.fixture.client.close()
            setting.fixture.platform.run(for: .seconds(10))
            #expect(setting.fixture.platform.openCount == 0)
            if time == 100 { #expect(setting.server.isClosedByPeer) }
        }
    }
}
