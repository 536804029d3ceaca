import ICE
import ICETesting
import NetBase
import Testing

@Suite("B3.6: connections by relay under access tokens")
struct TURNConnectionTokenTests {
    /// A client without a password, whose server takes tokens, 20 ms away.
    private func makeFixture() throws -> TURNConnectionFixture {
        let fixture = try TURNConnectionFixture { ($0.username, $0.password) = ("", "") }
        fixture.server.settings.thirdPartyName = "turn.example.org"
        for host in [fixture.clientHost, fixture.serverHost] {
            host.link.setConditions(LinkConditions(delay: .milliseconds(10)))
        }
        provide(600, to: fixture)
        fixture.allocate()
        return fixture
    }

    private func provide(_ seconds: Int64, to fixture: TURNConnectionFixture) {
        fixture.client.provide(accessToken: fixture.server.issueAccessToken(lifetime: .seconds(seconds)))
    }

    private func expectEcho(_ fixture: TURNConnectionFixture, on number: Int) throws {
        #expect(fixture.connections[number].state == .open)
        try fixture.connections[number].send([1, 2, 3])
        fixture.run()
        #expect(fixture.received[number] == [1, 2, 3])
    }

    @Test("B3.6: a connection is bound under the session key of the allocation, which another port has opened")
    func connects() throws {
        let fixture = try makeFixture()
        fixture.connect()
        fixture.run()
        try expectEcho(fixture, on: 0)
        // A nonce is good for one port alone.
        #expect(fixture.server.counters.errors == [401: 1, 438: 1])
    }

    @Test("B3.6: a peer that connects is let in as well")
    func accepts() throws {
        let fixture = try makeFixture()
        fixture.call { $0.createPermission(for: TURNConnectionFixture.peer.ip) }
        fixture.run()
        let peer = try fixture.connectFromPeer()
        fixture.run()
        try fixture.connections[0].send([1, 2, 3])
        fixture.run()
        #expect(peer.received == [1, 2, 3])
    }

    @Test("B3.6: with another token the allocation's connections go on, and further ones are bound under it")
    func renewed() throws {
        let fixture = try makeFixture()
        fixture.connect()
        fixture.run()
        provide(600, to: fixture)
        fixture.run()
        try expectEcho(fixture, on: 0)
        fixture.connections[0].close()
        fixture.run()
        fixture.connect()
        fixture.run()
        try expectEcho(fixture, on: 1)
    }

    @Test("B3.6: a token that is renewed at whatever moment while a connection is made and bound does not end it")
    func renewedMeanwhile() throws {
        for delay in 0..<30 {
            let fixture = try makeFixture()
            fixture.connect()
            fixture.network.schedule(after: .milliseconds(5) * delay) { provide(600, to: fixture) }
            fixture.run()
            try expectEcho(fixture, on: 0)
            #expect(fixture.events.filter { if case .close = $0 { true } else { false } }.isEmpty, "\(delay)")
        }
    }

    @Test("B3.6: what a token has opened holds until the allocation ends, though it is revoked meanwhile")
    func revoked() throws {
        let fixture = try makeFixture()
        fixture.connect()
        fixture.server.revokeAccessTokens()
        fixture.run()
        try expectEcho(fixture, on: 0)
    }
}
