import Foundation
import ICE
import Testing

@Suite(
    "Calls and a real coturn that gives no relay",
    .enabled(if: RelayServer.isInstalled, "turnserver, of the package coturn, is not installed"),
    .timeLimit(.minutes(2)))
struct RelayCoturnTests {
    /// A client on loopback that gathers from a server, and what it is told.
    private final class Gathering {
        let client: ICEClient
        var errors: [CandidateError] = []
        var kinds: [Candidate.Kind] = []
        var isDone = false

        init(on loop: EventLoop, _ server: ICEServer) {
            var configuration = ICEConfiguration(role: .controlling)
            configuration.includesLoopback = true
            configuration.localAddresses = [.loopback(.v4)]
            configuration.servers = [server]
            client = ICEClient(loop: loop, configuration: configuration)
            client.onCandidateError = { [unowned self] in errors.append($0) }
            client.onCandidate = { [unowned self] candidate in
                if let candidate { kinds.append(candidate.kind) } else { isDone = true }
            }
        }
    }

    private static func gather(
        on loop: EventLoop, _ server: RelayServer, _ transport: TransportProtocol,
        username: String = RelayServer.username, password: String = RelayServer.password
    ) throws -> Gathering {
        let isSecure = transport == .tls || transport == .dtls
        let url = RelayScene.url(transport, host: "127.0.0.1", port: isSecure ? server.securePort : server.port)
        var tls = TLSOptions()
        tls.trust = .authorities(pem: server.certificate.certificate)
        let urls = try ICEServer(urls: [url], username: username, credential: password, tls: tls)
        let gathering = Gathering(on: loop, urls)
        gathering.client.gatherCandidates()
        #expect(loop.run(until: { gathering.isDone }, atMost: .seconds(8)))
        // What would come of a second try comes in these turns.
        for _ in 0..<20 { loop.run(.noWait) }
        return gathering
    }

    private static func expectNothingLeft(on loop: EventLoop) {
        var isAlive = true
        for _ in 0..<5 { isAlive = loop.run(.noWait) }
        #expect(!isAlive)
    }

    @Test("A certificate for another host is told once, and what it is", arguments: [TransportProtocol.tls, .dtls])
    func certificate(transport: TransportProtocol) throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop, certificate: ServerCertificate.elsewhere.get())
        let gathering = try Self.gather(on: loop, server, transport)
        #expect(gathering.errors.map(\.errorCode) == [701])
        let text = gathering.errors.first?.errorText ?? ""
        #expect(text.contains("certificate is for another host"), "\(text)")
        #expect(gathering.errors.first?.url.contains("127.0.0.1") == true)
        #expect(gathering.kinds == [.host])
        gathering.client.close()
        Self.expectNothingLeft(on: loop)
        server.stop()
        loop.close()
    }

    @Test(
        "A user's quota is told once, with 486, and is free again once the call was closed",
        arguments: TransportProtocol.allCases)
    func quota(transport: TransportProtocol) throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop, arguments: ["--user-quota=1"])
        let first = try Self.gather(on: loop, server, transport)
        #expect(first.errors.isEmpty && first.kinds.contains(.relayed))
        let second = try Self.gather(on: loop, server, transport)
        #expect(second.errors.map(\.errorCode) == [486])
        #expect(!second.kinds.contains(.relayed))
        first.client.close()
        second.client.close()
        // coturn lets go of an allocation about a second after it was released.
        var third = try Self.gather(on: loop, server, transport)
        for _ in 0..<50 where !third.errors.isEmpty {
            third.client.close()
            var isTime = false
            let timer = Timer(on: loop) { isTime = true }
            timer.start(after: .milliseconds(100))
            #expect(loop.run(until: { isTime }, atMost: .seconds(5)))
            timer.close()
            third = try Self.gather(on: loop, server, transport)
        }
        #expect(third.errors.isEmpty && third.kinds.contains(.relayed))
        third.client.close()
        Self.expectNothingLeft(on: loop)
        server.stop()
        loop.close()
    }

    @Test("A server without a port left is told once, with 508")
    func ports() throws {
        let loop = try EventLoop()
        // Kept until the server wants it: meanwhile other tests look for free ports.
        let place = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
        let port = place.localAddress.port
        let server = try RelayServer.start(on: loop, arguments: ["--min-port=\(port)", "--max-port=\(port)"])
        place.close()
        let first = try Self.gather(on: loop, server, .udp)
        let second = try Self.gather(on: loop, server, .udp)
        #expect(first.errors.isEmpty && first.kinds.contains(.relayed))
        #expect(second.errors.map(\.errorCode) == [508])
        first.client.close()
        second.client.close()
        server.stop()
        loop.close()
    }

    @Test("Credentials whose time has passed are told once, with 401")
    func expired() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop, credentials: .secret("north"))
        let past = Int64(Date().timeIntervalSince1970) - 600
        let made = TURNRESTCredentials(secret: "north", expiresAt: past, user: "alice")
        let gathering = try Self.gather(on: loop, server, .udp, username: made.username, password: made.password)
        #expect(gathering.errors.map(\.errorCode) == [401])
        gathering.client.close()
        Self.expectNothingLeft(on: loop)
        server.stop()
        loop.close()
    }
}
