import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("TURNClient connects to peers (RFC 6062)")
struct TURNConnectTests {
    private typealias Fixture = TURNConnectionFixture

    @Test("B3.4: it connects to a peer, and bytes go both ways as they are")
    func echo() throws {
        let fixture = try Fixture()
        fixture.allocate()
        fixture.connect()
        #expect(fixture.connections[0].state == .connecting && !fixture.connections[0].isIncoming)
        #expect(throws: NetworkError.self) { try fixture.connections[0].send([1]) }
        fixture.run()
        #expect(fixture.events == [.connect(0)] && fixture.connections[0].state == .open)
        #expect(fixture.client.connections.map(\.peer) == [Fixture.peer])
        let relayed = try #require(fixture.client.allocation?.relayedAddresses.first)
        #expect(fixture.peers.map(\.stream.remoteAddress) == [relayed])
        #expect(fixture.server.allocations.map(\.connections) == [[Fixture.peer]])
        let payload = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
        try fixture.connections[0].send(payload)
        fixture.run()
        #expect(fixture.peers[0].received == payload && fixture.received == [payload])
        #expect(fixture.client.statistics.foreignMessages == 0)
    }

    @Test("B3.4: a second connection to the same peer is refused, by the server, or here while the first is on its way")
    func exists() throws {
        let fixture = try Fixture()
        fixture.allocate()
        fixture.connect()
        fixture.connect()
        fixture.run()
        #expect(fixture.takeEvents() == [.close(1, .connectionExists), .connect(0)])
        #expect(fixture.server.counters.requests[.connect] == 1)
        fixture.connect()
        fixture.run()
        #expect(fixture.events.contains(.close(2, .connectionExists)))
        #expect(fixture.server.counters.errors[446] == 1)
        fixture.call { _ in fixture.connections[0].close() }
        fixture.run()
        fixture.connect()
        fixture.run()
        #expect(fixture.events.last == .connect(3) && fixture.client.connections.count == 1)
    }

    @Test("B3.4: a connection that is closed on its way leaves the answer to the next one to the same peer")
    func closedOnItsWay() throws {
        let fixture = try Fixture()
        fixture.clientHost.link.setConditions(LinkConditions(delay: .milliseconds(50)))
        fixture.allocate()
        fixture.connect()
        fixture.call { _ in fixture.connections[0].close() }
        fixture.connect()
        fixture.run()
        #expect(fixture.events == [.connect(1)])
        #expect(fixture.server.counters.requests[.connect] == 1)
    }

    @Test("B3.4: a peer that refuses is told, left alone for 10 seconds, and asked for again")
    func refusedByPeer() throws {
        let fixture = try Fixture()
        fixture.allocate()
        let place: TransportAddress = "203.0.113.1:81"
        fixture.connect(to: place)
        fixture.run()
        #expect(fixture.events == [.close(0, .peerUnreachable)])
        fixture.connect(to: place)
        fixture.run(.seconds(9))
        #expect(fixture.events.last == .close(1, .tooEarly))
        #expect(fixture.server.counters.requests[.connect] == 1)
        try fixture.peerHost.listen(on: place) { _ in }
        fixture.connect(to: place)
        fixture.run()
        #expect(fixture.events.last == .connect(2))
    }

    @Test("B3.4: a peer that does not answer is told when the server gives it up, and holds no other up")
    func silentPeer() throws {
        let fixture = try Fixture()
        fixture.network.makeHost("dead", addresses: ["203.0.113.66"]).answersClosedPorts = false
        fixture.allocate()
        fixture.connect(to: "203.0.113.66:80")
        fixture.connect()
        fixture.run(.seconds(29))
        #expect(fixture.events == [.connect(1)])
        fixture.run(.seconds(2))
        #expect(fixture.events == [.connect(1), .close(0, .peerUnreachable)])
    }

    @Test("B3.4: peers that the server denies, and other refusals, have their codes", arguments: [403, 400, 508])
    func refusedByServer(code: Int) throws {
        let fixture = try Fixture()
        fixture.allocate()
        fixture.server.fail(.connect, with: .init(code: code, reason: "no"))
        fixture.connect()
        fixture.run()
        #expect(fixture.events == [.close(0, code == 403 ? .forbidden : .badResponse)])
        fixture.connect(to: "127.0.0.1:80")
        fixture.run()
        #expect(fixture.events.last == .close(1, .forbidden))
    }

    @Test("It takes an allocation that speaks TCP, of the peer's family")
    func missing() throws {
        let fixture = try Fixture()
        fixture.connect()
        fixture.run()
        #expect(fixture.takeEvents() == [.close(0, .badRequest)])
        fixture.allocate()
        fixture.connect(to: "[2001:db8:1::1]:80")
        fixture.run()
        #expect(fixture.events == [.close(1, .badRequest)])
        let datagrams = try Fixture { $0.relayTransport = .udp }
        datagrams.allocate()
        datagrams.connect()
        datagrams.run()
        #expect(datagrams.events == [.close(0, .badRequest)])
        fixture.client.close()
        fixture.connect()
        fixture.run()
        #expect(fixture.connections.last?.state == .closed && fixture.events.count == 1)
    }

    @Test("B3.4: over UDP or DTLS there is no relay for TCP, and none with wishes for datagrams")
    func configuration() throws {
        for transport in [TransportProtocol.udp, .dtls] {
            #expect(throws: TURNClientError.self) { try Fixture(transport: transport) }
        }
        #expect(throws: TURNClientError.self) { try Fixture { $0.dontFragment = true } }
        #expect(throws: TURNClientError.self) { try Fixture { $0.evenPort = .alone } }
        #expect(throws: TURNClientError.self) { try Fixture { $0.reservationToken = 1 } }
    }

    @Test("B3.4: a server that has no relays for TCP says so")
    func notSupported() throws {
        let fixture = try Fixture()
        fixture.server.settings.supportsTCPRelays = false
        fixture.call { $0.allocate() }
        fixture.run()
        #expect(fixture.events == [.responseError(.allocate, 442)])
    }

    @Test("Datagrams and channels have no place there")
    func noDatagrams() throws {
        let fixture = try Fixture()
        fixture.allocate(permitting: true)
        let error = #expect(throws: NetworkError.self) { try fixture.client.send([1], to: Fixture.peer) }
        #expect(error?.code == .invalidArgument)
        fixture.call { $0.bindChannel(to: Fixture.peer) }
        fixture.run()
        #expect(fixture.events == [.error(.badRequest)])
        #expect(fixture.client.makeRelayedSockets().isEmpty)
    }

    @Test("B3.4: both families, each to the peers of its own")
    func families() throws {
        let fixture = try Fixture { $0.relayFamilies = [.v4, .v6] }
        try fixture.peerHost.listen(on: "[2001:db8:1::1]:80") { _ in }
        fixture.allocate()
        fixture.connect()
        fixture.connect(to: "[2001:db8:1::1]:80")
        fixture.run()
        #expect(
            fixture.events.count == 2 && fixture.events.contains(.connect(0)) && fixture.events.contains(.connect(1)))
    }

    @Test("Bytes beyond the queue's limit are refused as a whole, and room is told")
    func backPressure() throws {
        let fixture = try Fixture { $0.queueLimit = 1000 }
        fixture.allocate()
        fixture.connect()
        fixture.run()
        let connection = fixture.connections[0]
        var writable = 0
        connection.onWritable = { writable += 1 }
        // What is larger than the limit goes through an empty queue.
        let large = [UInt8](repeating: 1, count: 3000)
        try connection.send(large)
        #expect(connection.unsentByteCount == 3000)
        let error = #expect(throws: NetworkError.self) { try connection.send([2]) }
        #expect(error?.code == .wouldBlock)
        fixture.run()
        #expect(writable > 0 && connection.unsentByteCount == 0)
        try connection.send([UInt8](repeating: 3, count: 999))
        try connection.send([3])
        #expect(throws: NetworkError.self) { try connection.send([4]) }
        try connection.send([])
        fixture.run()
        #expect(fixture.received == [large + [UInt8](repeating: 3, count: 1000)])
    }
}
