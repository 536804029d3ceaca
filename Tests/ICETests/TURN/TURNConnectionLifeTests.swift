import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("Connections of a TURNClient live and end (RFC 6062)")
struct TURNConnectionLifeTests {
    private typealias Fixture = TURNConnectionFixture

    private func connected(_ configure: (inout TURNClientConfiguration) -> Void = { _ in }) throws -> Fixture {
        let fixture = try Fixture(configure)
        fixture.allocate()
        fixture.connect()
        fixture.run()
        #expect(fixture.events == [.connect(0)])
        return fixture
    }

    @Test("B3.4: a peer that ends is told behind its last bytes")
    func peerEnds() throws {
        let fixture = try connected()
        try fixture.peers[0].stream.write([1, 2, 3])
        fixture.peers[0].stream.close()
        fixture.run()
        #expect(fixture.received == [[1, 2, 3]])
        #expect(fixture.events == [.connect(0), .close(0, .endOfStream)])
        #expect(fixture.client.connections.isEmpty && fixture.server.allocations.map(\.connections) == [[]])
    }

    @Test("B3.4: closing ends the peer's connection behind the last bytes, and no event comes after it")
    func closing() throws {
        let fixture = try connected()
        fixture.call { _ in
            try? fixture.connections[0].send([7])
            fixture.connections[0].close()
            fixture.connections[0].close()
        }
        fixture.run()
        #expect(fixture.peers[0].received == [7] && fixture.peers[0].end == .endOfStream)
        #expect(fixture.events == [.connect(0)] && fixture.connections[0].state == .closed)
        #expect(throws: NetworkError.self) { try fixture.connections[0].send([8]) }
    }

    @Test("B3.4: when the control connection is lost, all connections are, and that is told before")
    func controlLost() throws {
        let fixture = try connected()
        fixture.network.schedule(after: .zero) { fixture.server.restart() }
        fixture.run()
        // Whichever of the two connections is seen to break first.
        let codes = [TURNClientError.Code.connectionFailed, .allocationGone]
        #expect(codes.contains { fixture.events == [.connect(0), .close(0, $0), .lost(.connectionFailed)] })
        #expect(fixture.peers[0].end == .endOfStream && fixture.client.connections.isEmpty)
    }

    @Test("B3.4: when the allocation is given back, all connections end", arguments: [true, false])
    func released(byClosing: Bool) throws {
        let fixture = try connected()
        fixture.call { byClosing ? $0.close() : $0.refresh(lifetime: .zero) }
        fixture.run()
        #expect(fixture.peers[0].end == .endOfStream && fixture.server.allocations.isEmpty)
        // The server's end of the connection may come before its answer.
        let codes = [TURNClientError.Code.endOfStream, .allocationGone]
        #expect(
            byClosing
                ? fixture.events == [.connect(0)]
                : codes.contains { fixture.events == [.connect(0), .close(0, $0), .refresh(.zero)] })
        #expect(fixture.client.connections.isEmpty && fixture.connections[0].state == .closed)
    }

    @Test("B3.4: an allocation that is not refreshed takes its connections along")
    func expired() throws {
        let fixture = try connected { $0.refreshesAllocation = false }
        fixture.run(.seconds(590))
        #expect(fixture.events == [.connect(0)])
        fixture.run(.seconds(20))
        let codes = [TURNClientError.Code.endOfStream, .allocationGone]
        #expect(codes.contains { fixture.events == [.connect(0), .close(0, $0), .lost(.allocationGone)] })
        #expect(fixture.peers[0].end == .endOfStream)
    }

    @Test("B3.4: a bind that is lost is given up after 30 seconds, by both ends")
    func bindLost() throws {
        let fixture = try Fixture()
        fixture.allocate()
        fixture.connect()
        fixture.network.run(until: { fixture.connections[0].state == .binding }, atMost: .seconds(2))
        fixture.server.dropNext = 1
        fixture.run(.seconds(29))
        #expect(fixture.events == [] && fixture.peers[0].end == nil)
        fixture.run(.seconds(2))
        #expect(fixture.events == [.close(0, .timedOut)] && fixture.peers[0].end == .endOfStream)
    }

    @Test("B3.4: a nonce that is stale, or good for the control connection only, is replaced without a word")
    func staleNonce() throws {
        let fixture = try connected()
        #expect(fixture.server.counters.errors[438] == 1, "nonces are good for one address here")
        #expect(fixture.server.counters.requests[.connectionBind] == 2)
    }

    @Test("B3.4: other credentials than a user name and MD5 serve for the data connection, too")
    func strongCredentials() throws {
        let fixture = try Fixture()
        fixture.server.settings.passwordAlgorithms = [.sha256]
        fixture.server.settings.offersUserHash = true
        fixture.allocate()
        fixture.connect()
        fixture.run()
        #expect(fixture.events == [.connect(0)])
    }

    @Test(
        "B3.4: what ConnectionBind is refused with is told", arguments: [(400, "connectionGone"), (403, "badResponse")])
    func bindRefused(code: Int, name: String) throws {
        let fixture = try Fixture()
        fixture.allocate()
        fixture.server.fail(.connectionBind, with: .init(code: code, reason: "no"))
        fixture.connect()
        fixture.run()
        guard case .close(0, let told)? = fixture.events.last else {
            Issue.record("\(fixture.events)")
            return
        }
        #expect(told.description == name)
    }

    @Test("B3.4: redirected, the data connections go to the other server, too")
    func redirect() throws {
        let fixture = try Fixture()
        let other = try SimulatedTURNServer(
            on: fixture.network.makeHost("other", addresses: ["192.0.2.20"]), users: ["alice": "secret"])
        fixture.server.settings.redirect = TURNRedirect(to: ["192.0.2.20:3478"])
        fixture.allocate()
        fixture.connect()
        fixture.run()
        #expect(fixture.events == [.connect(0)])
        #expect(other.allocations.map(\.connections) == [[Fixture.peer]])
        #expect(fixture.server.counters.requests[.connectionBind] == nil)
    }

    @Test("B3.4: of a name's addresses, the data connection goes to the one that the control connection has")
    func sameAddress() throws {
        let fixture = try Fixture(host: "turn.example")
        fixture.network.makeHost("dead", addresses: ["192.0.2.66"]).answersClosedPorts = false
        fixture.network.names["turn.example"] = ["192.0.2.66", "192.0.2.10"]
        fixture.allocate()
        fixture.connect()
        fixture.run(.milliseconds(200))
        #expect(fixture.events == [.connect(0)])
    }

    @Test("B3.4: under TLS the data connection is under TLS as well")
    func secure() throws {
        let certificate = try ServerCertificate.here.get()
        let fixture = try Fixture(transport: .tls, port: 5349) { $0.tls.trust = .unverified }
        let front = try SecureFront(on: fixture.serverHost, of: "192.0.2.10:3478", certificate)
        fixture.network.isTracing = true
        fixture.allocate(permitting: true)
        fixture.connect()
        fixture.run()
        #expect(fixture.events == [.connect(0)])
        try fixture.connections[0].send(Array("in confidence".utf8))
        fixture.run()
        #expect(fixture.received == [Array("in confidence".utf8)])
        let stream = try fixture.connectFromPeer()
        try stream.stream.write([1, 2])
        fixture.run()
        #expect(fixture.received.last == [1, 2])
        let fromClient = fixture.network.trace.filter { $0.place == "client" }
        #expect(!fromClient.isEmpty && fromClient.allSatisfy { $0.source.port == 5349 || $0.destination.port == 5349 })
        withExtendedLifetime(front) {}
    }

    @Test(
        "Each event may close the connection, or the client, and nothing comes after", arguments: [true, false], 0..<4)
    func closingInEvent(closesClient: Bool, number: Int) throws {
        let fixture = try Fixture()
        var seen = 0
        fixture.onEvent = { fixture, _ in
            seen += 1
            guard seen == number + 1 else { return }
            if closesClient {
                fixture.client.close()
            } else {
                for connection in fixture.connections { connection.close() }
            }
        }
        fixture.client.allocate()
        fixture.run()
        fixture.client.createPermission(for: Fixture.peer.ip)
        fixture.run()
        if fixture.client.allocation != nil {
            let stream = try fixture.connectFromPeer()
            try stream.stream.write([1, 2, 3])
            fixture.run()
            stream.stream.close()
        }
        fixture.run(.seconds(60))
        #expect(fixture.events.count >= min(number + 1, 4))
        if closesClient { #expect(fixture.events.count == number + 1 && fixture.server.allocations.isEmpty) }
        #expect(fixture.client.connections.isEmpty)
    }

    @Test("Data may close the connection in the middle of it")
    func closingInData() throws {
        let fixture = try connected()
        var count = 0
        fixture.connections[0].onData = { [unowned fixture] _ in
            count += 1
            fixture.connections[0].close()
        }
        try fixture.connections[0].send([UInt8](repeating: 1, count: 9000))
        fixture.run()
        #expect(count == 1 && fixture.peers[0].end == .endOfStream)
    }

    @Test(
        "A client that is let go takes its connections along, in any state", arguments: [0, 5, 15, 25, 35, 45, 55, 500])
    func lifetime(milliseconds: Int) throws {
        let network = SimulatedNetwork(seed: 1)
        try SimulatedTURNServer(on: network.makeHost("turn", addresses: ["192.0.2.10"]), users: ["alice": "secret"])
        let host = network.makeHost("client", addresses: ["198.51.100.1"])
        let peerHost = network.makeHost("peer", addresses: ["203.0.113.1"])
        try peerHost.listen(on: Fixture.peer) { _ in }
        weak var client: TURNClient?
        weak var connection: TURNConnection?
        do {
            var configuration = TURNClientConfiguration(
                host: "192.0.2.10", transport: .tcp, username: "alice", password: "secret")
            configuration.relayTransport = .tcp
            let made = try TURNClient(platform: host, configuration: configuration)
            client = made
            made.allocate()
            network.run(for: .seconds(1))
            host.link.setConditions(LinkConditions(delay: .milliseconds(5)))
            let stream = made.connect(to: Fixture.peer)
            connection = stream
            network.run(for: .milliseconds(milliseconds))
            #expect(stream.state != .closed)
        }
        #expect(client == nil && connection == nil)
        network.run(for: .seconds(5))
    }

    @Test("Random lives of many connections leave nothing behind, and every byte arrives in order", arguments: 1...8)
    func random(seed: UInt64) throws {
        let fixture = try Fixture(seed: seed)
        fixture.clientHost.link.setConditions(
            LinkConditions(delay: .milliseconds(10), jitter: .milliseconds(30), loss: 0.1))
        fixture.client.allocate()
        fixture.run(.seconds(10))
        fixture.client.createPermission(for: Fixture.peer.ip)
        fixture.run(.seconds(10))
        var generator = fixture.network.makeRandomNumberGenerator("lives")
        var places: [TransportAddress] = []
        for port in UInt16(1000)..<1010 {
            let place = TransportAddress(Fixture.peer.ip, port: port)
            try fixture.peerHost.listen(on: place) { stream in
                stream.onBytes = { [unowned stream] bytes in try? stream.write([UInt8](copying: bytes)) }
            }
            places.append(place)
        }
        var sent: [Int: [UInt8]] = [:]
        var streams: [Fixture.PeerStream] = []
        for step in 0..<300 {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0: fixture.connect(to: places[Int.random(in: 0..<places.count, using: &generator)])
            case 1: streams.append(try fixture.connectFromPeer(echoes: true))
            case 2:
                if let connection = fixture.client.connections.randomElement(using: &generator) { connection.close() }
            default:
                let open = fixture.connections.indices.filter { fixture.connections[$0].state == .open }
                if let index = open.randomElement(using: &generator) {
                    let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: 700)
                    if (try? fixture.connections[index].send(bytes)) != nil { sent[index, default: []] += bytes }
                }
            }
            fixture.run(.milliseconds(Int.random(in: 0..<200, using: &generator)))
        }
        fixture.run(.seconds(60))
        #expect(sent.count > 5, "seed \(seed)")
        for (index, bytes) in sent {
            let isOpen = fixture.connections[index].state == .open
            let isInOrder = isOpen ? fixture.received[index] == bytes : bytes.starts(with: fixture.received[index])
            #expect(isInOrder, "seed \(seed), connection \(index)")
        }
        fixture.client.close()
        fixture.run(.seconds(60))
        #expect(fixture.server.allocations.isEmpty && fixture.client.connections.isEmpty, "seed \(seed)")
        #expect(streams.allSatisfy { $0.end != nil }, "seed \(seed)")
    }
}
