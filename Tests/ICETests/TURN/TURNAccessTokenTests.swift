import ICE
import ICETesting
import Testing

@Suite("B3.6: TURNClient with access tokens")
struct TURNAccessTokenTests {
    private static let name = "turn.example.org"

    /// A client of a server that takes tokens, which has no password but where the test gives it one.
    private final class Setting {
        let fixture: TURNClientFixture
        var asked: [String] = []
        var failures: [TURNClientError] = []

        var server: SimulatedTURNServer { fixture.server }
        var client: TURNClient { fixture.client }

        init(
            _ transport: TransportProtocol = .udp, password: Bool = false, listens: Bool = true,
            _ configure: @escaping (inout TURNClientConfiguration) -> Void = { _ in }
        ) throws {
            fixture = try TURNClientFixture(transport) {
                if !password { ($0.username, $0.password) = ("", "") }
                configure(&$0)
            }
            server.settings.thirdPartyName = name
            fixture.client.onError = { [unowned self] in failures.append($0) }
            fixture.client.onAllocationLost = { [unowned self] in failures.append($0) }
            if listens { fixture.client.onAccessTokenNeeded = { [unowned self] in asked.append($0) } }
        }

        /// Hands over a token of the server's that lasts so long.
        func provide(_ seconds: Int64) {
            let token = server.issueAccessToken(lifetime: .seconds(seconds))
            fixture.call { $0.provide(accessToken: token) }
        }

        func allocate() {
            fixture.call { $0.allocate() }
            fixture.run()
        }
    }

    @Test(
        "B3.6: it asks for a token by the server's name, and allocates with it; data flows for as long as new ones come",
        arguments: [TransportProtocol.udp, .tcp])
    func renewal(transport: TransportProtocol) throws {
        let setting = try Setting(transport)
        setting.allocate()
        #expect(setting.asked == [Self.name] && setting.fixture.events.isEmpty)
        setting.provide(600)
        setting.fixture.run()
        setting.fixture.call { $0.bindChannel(to: setting.fixture.peer.localAddress) }
        for round in 1...4 {
            setting.fixture.run(.seconds(560))
            #expect(setting.asked.count == round + 1)
            setting.provide(600)
            setting.fixture.run()
            try setting.client.send([UInt8(round)], to: setting.fixture.peer.localAddress)
            setting.fixture.run()
        }
        #expect(setting.fixture.received == [[1], [2], [3], [4]])
        #expect(setting.failures.isEmpty)
        #expect(setting.server.counters.allocations == 1 && setting.server.counters.errors == [401: 1])
    }

    @Test("B3.6: a token of the configuration is used without a question, before name and password")
    func configured() throws {
        let setting = try Setting(password: true, listens: false)
        setting.provide(600)
        setting.allocate()
        #expect(setting.fixture.events == [.allocate])
        // What the server lets in with a password lives as long as it likes, but not what came with a token.
        setting.fixture.run(.seconds(610))
        #expect(setting.failures.map(\.code) == [.accessTokenNeeded])
        #expect(setting.client.allocation == nil)
    }

    @Test("B3.6: a configuration's token counts from when the client was made; one that has run out is none")
    func outdated() throws {
        let token = TURNAccessToken(keyID: "key-1", token: [1], macKey: [2], lifetime: .seconds(60))
        let setting = try Setting { $0.accessToken = token }
        setting.fixture.run(.seconds(61))
        setting.allocate()
        #expect(setting.asked == [Self.name])
        #expect(setting.server.counters.errors == [401: 1], "it was not shown")
        setting.provide(600)
        setting.fixture.run()
        #expect(setting.fixture.events == [.allocate])
    }

    @Test("B3.6: without a token that is taken the error says what to do, and the next one does")
    func failures() throws {
        let unknown = TURNAccessToken(keyID: "key-1", token: [1], macKey: [2], lifetime: .seconds(60))
        let setting = try Setting(listens: false) { $0.accessToken = unknown }
        setting.allocate()
        #expect(setting.failures.map(\.code) == [.accessTokenRejected])
        #expect(setting.failures[0].message.contains(Self.name))
        setting.provide(600)
        setting.allocate()
        #expect(setting.fixture.events == [.allocate])

        let other = try Setting(listens: false)
        other.allocate()
        #expect(other.failures.map(\.code) == [.accessTokenNeeded])
        #expect(other.failures[0].message.contains("onAccessTokenNeeded"))

        let without = try Setting { $0.accessToken = unknown }
        without.server.settings.thirdPartyName = nil
        without.allocate()
        #expect(without.failures.map(\.code) == [.accessTokenRejected] && without.asked.isEmpty)
        #expect(without.failures[0].message.contains("password"))
    }

    @Test("B3.6: tokens that the server revokes are asked for anew")
    func revoked() throws {
        let setting = try Setting()
        setting.allocate()
        setting.provide(5000)
        setting.fixture.run()
        setting.server.revokeAccessTokens()
        setting.fixture.run(.seconds(545))
        #expect(setting.asked.count == 2)
        setting.provide(5000)
        setting.fixture.run(.seconds(600))
        #expect(setting.failures.isEmpty && setting.client.allocation != nil)
    }

    @Test("B3.6: no event comes after close, nor from a token that comes then; nothing keeps the client")
    func closing() throws {
        weak var client: TURNClient?
        let token: TURNAccessToken
        do {
            let setting = try Setting()
            client = setting.client
            setting.allocate()
            token = setting.server.issueAccessToken(lifetime: .seconds(60))
            setting.client.close()
            setting.client.provide(accessToken: token)
            setting.fixture.run(.seconds(100))
            #expect(setting.asked.count == 1 && setting.failures.isEmpty && setting.server.allocations.isEmpty)
        }
        #expect(client == nil)
    }

    @Test("B3.6: neither a token nor its key is in a description")
    func descriptions() throws {
        let token = TURNAccessToken(
            keyID: "kid", token: [211, 212, 213], macKey: [221, 222, 223], lifetime: .seconds(60))
        let server = try ICEServer(urls: ["turn:turn.example"], accessToken: token)
        var configuration = ICEConfiguration()
        configuration.servers = [server]
        let turn = TURNClientConfiguration(host: "turn.example", accessToken: token)
        let texts = [
            "\(token)", String(reflecting: token), "\(server)", String(reflecting: server), "\(turn)",
            String(reflecting: turn), "\([token])",
        ]
        for text in texts {
            #expect(!text.contains("21") && !text.contains("22"), "\(text)")
        }
        #expect("\(turn)".contains("kid"))
    }
}
