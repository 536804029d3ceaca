import ICE
import Testing

// Skipped where coturn is not installed: it is a server that not every system has a package of. `make test` installs it on Debian.
@Suite("Against a real coturn", .enabled(if: Coturn.isInstalled, "turnserver, of the package coturn, is not installed"))
struct CoturnTests {
    @Test("A binding over UDP tells the very address that it was sent from")
    func bindingOverUDP() throws {
        let loop = try EventLoop()
        let coturn = try Coturn.start(on: loop)
        let local = TransportAddress(.loopback(.v4), port: try Coturn.freePort(on: loop))
        let answers = try Self.ask(coturn.client(over: .udp, on: loop, from: local), on: loop, times: 3)
        #expect(answers.map(\.reflexiveAddress) == [local, local, local])
        #expect(answers.allSatisfy { $0.message.fingerprint != .invalid && Self.isFromCoturn($0) })
        coturn.stop()
        loop.close()
    }

    @Test("Bindings over TCP share one connection")
    func bindingOverTCP() throws {
        let loop = try EventLoop()
        let coturn = try Coturn.start(on: loop)
        let answers = try Self.ask(coturn.client(over: .tcp, on: loop), on: loop, times: 3)
        let addresses = Set(answers.map(\.reflexiveAddress))
        #expect(answers.count == 3)
        #expect(addresses.count == 1)
        #expect(addresses.allSatisfy { $0.ip == .loopback(.v4) && $0.port != coturn.port })
        #expect(answers.allSatisfy(Self.isFromCoturn))
        coturn.stop()
        loop.close()
    }

    @Test("Gathering from it ends without an error, and without a second candidate for the same address")
    func gathering() throws {
        let loop = try EventLoop()
        let coturn = try Coturn.start(on: loop)
        var configuration = ICEConfiguration(role: .controlling)
        configuration.includesLoopback = true
        configuration.localAddresses = [.loopback(.v4)]
        configuration.servers = [try ICEServer(urls: ["stun:127.0.0.1:\(coturn.port)"])]
        let client = ICEClient(loop: loop, configuration: configuration)
        var candidates: [Candidate] = []
        var errors: [CandidateError] = []
        var isDone = false
        client.onCandidate = { candidate in
            if let candidate { candidates.append(candidate) } else { isDone = true }
        }
        client.onCandidateError = { errors.append($0) }
        client.gatherCandidates()
        #expect(loop.run(until: { isDone }, atMost: .seconds(10)))
        #expect(errors.isEmpty)
        #expect(candidates.map(\.kind) == [.host])
        client.close()
        coturn.stop()
        loop.close()
    }

    private static func ask(_ client: STUNClient, on loop: EventLoop, times: Int) throws -> [STUNResponse] {
        defer { client.close() }
        var answers: [STUNResponse] = []
        var errors: [STUNClientError] = []
        client.onResponse = { answers.append($0) }
        client.onError = { errors.append($0) }
        for _ in 0..<times { client.sendRequest() }
        #expect(loop.run(until: { answers.count + errors.count == times }, atMost: .seconds(10)))
        #expect(errors.isEmpty)
        return answers
    }

    private static func isFromCoturn(_ response: STUNResponse) -> Bool {
        response.message[STUNMessage.Software.self]?.value.hasPrefix("Coturn") == true
    }
}
