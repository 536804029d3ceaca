import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("TURNClient lets peers in (RFC 6062)")
struct TURNConnectionAttemptTests {
    private typealias Fixture = TURNConnectionFixture

    @Test("B3.4: a peer is let in, and what it has sent before comes first", arguments: 1...12)
    func accept(seed: UInt64) throws {
        let fixture = try Fixture(seed: seed)
        fixture.serverHost.link.setConditions(LinkConditions(delay: .milliseconds(20), jitter: .milliseconds(20)))
        fixture.allocate(permitting: true)
        let stream = try fixture.connectFromPeer()
        // It looks like STUN, and is none.
        let early: [UInt8] = [1, 11, 0, 0, 0x21, 0x12, 0xa4, 0x42] + (0..<5000).map { UInt8(truncatingIfNeeded: $0) }
        try stream.stream.write(early)
        fixture.run()
        let local = try #require(stream.stream.localAddress)
        #expect(fixture.events == [.attempt(local), .connect(0)])
        #expect(
            fixture.received == [early] && fixture.connections[0].isIncoming && fixture.connections[0].peer == local)
        try fixture.connections[0].send([9, 9])
        fixture.run()
        #expect(stream.received == [9, 9])
        #expect(fixture.server.counters.connectionAttempts == 1)
    }

    @Test("B3.4: a peer without a permission is turned away by the server, and not told")
    func stranger() throws {
        let fixture = try Fixture()
        fixture.allocate()
        let stream = try fixture.connectFromPeer()
        fixture.run()
        #expect(fixture.events == [] && stream.end == .endOfStream)
        #expect(fixture.server.counters.drops == [.noPermission: 1])
    }

    @Test(
        "B3.4: one that is refused, or that nobody hears of, is ended by the server after 30 seconds",
        arguments: [true, false])
    func refuse(isHeard: Bool) throws {
        let fixture = try Fixture()
        fixture.allocate(permitting: true)
        fixture.accepts = false
        if !isHeard { fixture.client.onConnectionAttempt = nil }
        let stream = try fixture.connectFromPeer()
        fixture.run()
        for attempt in fixture.attempts { attempt.refuse() }
        #expect(fixture.attempts.count == (isHeard ? 1 : 0))
        fixture.run(.seconds(27))
        #expect(stream.end == nil)
        fixture.run(.seconds(2))
        #expect(stream.end == .endOfStream)
        #expect(fixture.attempts.allSatisfy { $0.accept() == nil })
        #expect(fixture.client.connections.isEmpty)
    }

    @Test("B3.4: an attempt may be answered later, once, and within 30 seconds")
    func later() throws {
        let fixture = try Fixture()
        fixture.allocate(permitting: true)
        fixture.accepts = false
        let first = try fixture.connectFromPeer()
        let second = try fixture.connectFromPeer()
        fixture.run(.seconds(20))
        fixture.keep(try #require(fixture.call { _ in fixture.attempts[0].accept() }))
        #expect(fixture.attempts[0].accept() == nil)
        fixture.run(.seconds(11))
        #expect(fixture.connections[0].state == .open && first.end == nil)
        #expect(fixture.attempts[1].accept() == nil && second.end == .endOfStream)
    }

    @Test("B3.4: a peer that gives up before it is let in is told as gone")
    func givesUp() throws {
        let fixture = try Fixture()
        fixture.allocate(permitting: true)
        fixture.accepts = false
        let stream = try fixture.connectFromPeer()
        fixture.run()
        stream.stream.close()
        fixture.run()
        fixture.forgetEvents()
        fixture.keep(try #require(fixture.call { _ in fixture.attempts[0].accept() }))
        fixture.run()
        #expect(fixture.events == [.close(0, .connectionGone)])
        #expect(fixture.client.connections.isEmpty)
    }

    @Test("B3.4: a flood of attempts is bounded, and disturbs no connection")
    func flood() throws {
        let fixture = try Fixture()
        fixture.allocate(permitting: true)
        fixture.connect()
        fixture.run()
        fixture.accepts = false
        let streams = try (0..<500).map { _ in try fixture.connectFromPeer() }
        fixture.run()
        #expect(fixture.attempts.count == 64)
        #expect(fixture.client.statistics.ignoredConnectionAttempts == 436)
        try fixture.connections[0].send([1, 2])
        fixture.run()
        #expect(fixture.received == [[1, 2]])
        fixture.run(.seconds(30))
        #expect(streams.allSatisfy { $0.end == .endOfStream })
        #expect(fixture.server.allocations.map(\.connections) == [[Fixture.peer]])
        // There is room again.
        _ = try fixture.connectFromPeer()
        fixture.run()
        #expect(fixture.attempts.count == 65)
    }

    @Test("B3.4: permissions are kept, so that peers may come at any time")
    func refreshed() throws {
        let fixture = try Fixture()
        fixture.server.settings.nonceLifetime = .seconds(100)
        fixture.allocate(permitting: true)
        fixture.run(.seconds(3600))
        let stream = try fixture.connectFromPeer()
        fixture.run()
        try stream.stream.write([1])
        fixture.run()
        #expect(fixture.received == [[1]])
        #expect(Set(fixture.server.counters.errors.keys) == [401, 438])
        #expect(fixture.events.allSatisfy { if case .lost = $0 { false } else { true } })
    }
}
