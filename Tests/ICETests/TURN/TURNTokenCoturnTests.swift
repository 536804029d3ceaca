import ICE
import Testing

@Suite(
    "B3.6: access tokens and a real coturn",
    .enabled(
        if: TokenServer.isInstalled,
        "turnserver with --oauth, turnutils_oauth (both of the package coturn) or python3 is not installed"),
    .timeLimit(.minutes(2)))
struct TURNTokenCoturnTests {
    /// A client on a loop, and a peer that sends back what it gets.
    private final class Setting {
        let loop: EventLoop
        let client: TURNClient
        let peer: UDPSocket
        var allocations: [TURNAllocation] = []
        var refreshes: [Duration] = []
        var asked: [String] = []
        var received: [[UInt8]] = []
        var refused: [Int] = []
        var errors: [TURNClientError] = []

        init(_ configuration: TURNClientConfiguration, on loop: EventLoop, listens: Bool = true) throws {
            self.loop = loop
            client = try TURNClient(loop: loop, configuration: configuration)
            peer = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
            peer.onDatagram = { [unowned peer] bytes, source in try? peer.send(bytes, to: source) }
            client.onAllocate = { [unowned self] in allocations.append($0) }
            client.onRefresh = { [unowned self] in refreshes.append($0) }
            client.onData = { [unowned self] bytes, _ in received.append([UInt8](copying: bytes)) }
            client.onResponseError = { [unowned self] _, code, _ in refused.append(code) }
            client.onError = { [unowned self] in errors.append($0) }
            if listens { client.onAccessTokenNeeded = { [unowned self] in asked.append($0) } }
        }

        func run(until condition: () -> Bool) -> Bool { loop.run(until: condition, atMost: .seconds(20)) }

        /// Has the peer let in anew, and sends it something that comes back.
        func echo(_ payload: [UInt8]) throws {
            var isBound = false
            client.onChannelBind = { _, _ in isBound = true }
            client.bindChannel(to: peer.localAddress)
            #expect(run { isBound })
            try client.send(payload, to: peer.localAddress)
            #expect(run { received.last == payload })
        }

        func close() {
            client.close()
            peer.close()
        }
    }

    private func configuration(_ server: TokenServer, _ transport: TransportProtocol) -> TURNClientConfiguration {
        TURNClientConfiguration(host: "127.0.0.1", port: server.coturn.port, transport: transport, accessToken: nil)
    }

    @Test(
        "B3.6: coturn's own token opens a relay, and the next one, under another key, keeps it",
        arguments: [TransportProtocol.udp, .tcp])
    func renewal(transport: TransportProtocol) throws {
        let loop = try EventLoop()
        let server = try TokenServer(on: loop)
        let setting = try Setting(configuration(server, transport), on: loop)
        setting.client.allocate()
        #expect(setting.run { !setting.asked.isEmpty })
        #expect(setting.asked == [TokenServer.name])
        setting.client.provide(accessToken: try server.issueToken(lifetime: 100))
        #expect(setting.run { !setting.allocations.isEmpty })
        // "The lifetime provided by the TURN server […] MUST be less than or equal to the lifetime of the token", and 5 seconds (§9).
        #expect(setting.allocations.first.map { $0.lifetime <= .seconds(105) } == true)
        try setting.echo([1, 2, 3])
        setting.client.provide(accessToken: try server.issueToken(keyID: TokenServer.keyIDs[1], lifetime: 500))
        #expect(setting.run { !setting.refreshes.isEmpty })
        #expect(setting.refreshes.first.map { $0 > .seconds(105) } == true)
        try setting.echo([4, 5, 6])
        #expect(setting.refused.isEmpty && setting.errors.isEmpty)
        setting.close()
        server.stop()
        loop.close()
    }

    @Test("B3.6: coturn refuses a token that was tampered with; a good one or a password does instead")
    func refused() throws {
        let loop = try EventLoop()
        let server = try TokenServer(on: loop)
        let good = try server.issueToken(lifetime: 100)
        let bad = TURNAccessToken(
            keyID: good.keyID, token: good.token.dropLast() + [good.token.last.map { $0 ^ 1 } ?? 0],
            macKey: good.macKey, lifetime: good.lifetime)
        var settings = configuration(server, .udp)
        settings.accessToken = bad
        let alone = try Setting(settings, on: loop, listens: false)
        alone.client.allocate()
        #expect(alone.run { !alone.errors.isEmpty })
        #expect(alone.errors.map(\.code) == [.accessTokenRejected] && alone.refused.isEmpty)
        alone.client.provide(accessToken: good)
        alone.client.allocate()
        #expect(alone.run { !alone.allocations.isEmpty })
        alone.close()

        (settings.username, settings.password) = ("alice", "a secret")
        let both = try Setting(settings, on: loop, listens: false)
        both.client.allocate()
        #expect(both.run { !both.allocations.isEmpty })
        try both.echo([7])
        both.close()
        server.stop()
        loop.close()
    }
}
