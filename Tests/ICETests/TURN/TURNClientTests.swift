import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("TURNClient on the simulated network")
struct TURNClientTests {
    private static let plain = [TransportProtocol.udp, .tcp]

    @Test("It allocates, and tells where it is reached", arguments: plain)
    func allocation(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport)
        fixture.call { $0.allocate() }
        fixture.run()
        #expect(fixture.events == [.allocate])
        let allocation = try #require(fixture.client.allocation)
        #expect(allocation.relayedAddresses.map(\.ip) == ["192.0.2.10"])
        #expect(allocation.reflexiveAddress?.ip == "198.51.100.1")
        #expect(allocation.lifetime == .seconds(600))
        #expect(allocation.serverAddress == "192.0.2.10:3478")
        #expect(fixture.server.allocations.map(\.relayedAddresses) == [allocation.relayedAddresses])
    }

    @Test("Data goes both ways, in indications and on a channel", arguments: plain, [true, false])
    func data(transport: TransportProtocol, binding: Bool) throws {
        let fixture = try TURNClientFixture(transport)
        fixture.connect(binding: binding)
        let peer = fixture.peer.localAddress
        #expect(fixture.events == [.allocate, .permission(peer.ip)] + (binding ? [.channel(peer)] : []))
        let payloads: [[UInt8]] = [[], [1], [1, 2, 3], Array(repeating: 9, count: 1201)]
        for payload in payloads {
            try fixture.client.send(payload, to: peer)
            fixture.run(.milliseconds(100))
        }
        #expect(fixture.heardByPeer == payloads)
        #expect(fixture.received == payloads)
        #expect(fixture.client.statistics.packetsSent == 4 && fixture.client.statistics.packetsReceived == 4)
        #expect(fixture.server.counters.sendIndications == (binding ? 0 : 4))
        #expect(fixture.server.counters.channelDataFromClients == (binding ? 4 : 0))
    }

    @Test("Nothing goes to a peer without permission, or without an allocation")
    func noPermission() throws {
        let fixture = try TURNClientFixture()
        let peer = fixture.peer.localAddress
        func code() -> NetworkError.Code? {
            do throws(NetworkError) {
                try fixture.client.send([1], to: peer)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code() == .closed)
        fixture.call { $0.allocate() }
        fixture.run()
        #expect(code() == .notPermitted)
        fixture.run()
        #expect(fixture.heardByPeer == [])
        #expect(fixture.client.statistics.packetsWithoutPermission == 2)
    }

    @Test("Allocation, permission and channel outlive their lifetimes", arguments: plain)
    func refreshes(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport)
        fixture.server.settings.nonceLifetime = .seconds(100)
        fixture.connect(binding: true)
        for _ in 0..<30 {
            fixture.run(.seconds(60))
            try fixture.client.send([7], to: fixture.peer.localAddress)
        }
        fixture.run()
        #expect(fixture.heardByPeer.count == 30 && fixture.received.count == 30)
        let refresh = TURNClientFixture.Event.refresh(.seconds(600))
        #expect(fixture.events.filter { $0 == refresh }.count >= 3)
        #expect(Set(fixture.server.counters.errors.keys) == [401, 438])
    }

    @Test("A wrong password is one event, and no storm", arguments: plain)
    func wrongPassword(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport, password: "wrong")
        fixture.call { $0.allocate() }
        fixture.run(.seconds(600))
        #expect(fixture.events == [.responseError(.allocate, 401)])
        #expect(fixture.server.counters.requests[.allocate] == 2)
        #expect(fixture.client.allocation == nil)
    }

    @Test("A full server is one event", arguments: [486, 508])
    func fullServer(code: Int) throws {
        let fixture = try TURNClientFixture()
        fixture.server.fail(.allocate, with: STUNMessage.ErrorCode(code: code, reason: "full"), times: 10)
        fixture.call { $0.allocate() }
        fixture.run(.seconds(50))
        #expect(fixture.events == [.responseError(.allocate, code)])
        #expect(fixture.server.counters.requests[.allocate] == 2)
    }

    @Test("A server that does not answer is one event", arguments: plain)
    func silentServer(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport)
        fixture.server.isSilent = true
        fixture.call { $0.allocate() }
        fixture.run(.seconds(600))
        #expect(fixture.events == [.error(.timedOut)])
    }

    @Test("A server that is not there is one event, at once", arguments: plain)
    func noServer(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport) { $0.port = 9 }
        fixture.call { $0.allocate() }
        fixture.run(.seconds(5))
        #expect(fixture.events == [.error(transport == .udp ? .unreachable : .connectionFailed)])
        fixture.run(.seconds(600))
        #expect(fixture.events.count == 1)
    }

    @Test("An unknown name is one event")
    func unknownName() throws {
        let fixture = try TURNClientFixture(host: "nowhere.example")
        fixture.call { $0.allocate() }
        fixture.run(.seconds(60))
        #expect(fixture.events == [.error(.nameResolutionFailed)])
    }

    @Test("A server that forgot everything is noticed, and another allocation may be asked for", arguments: plain)
    func restart(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport)
        fixture.connect()
        fixture.server.restart()
        fixture.run(.seconds(600))
        #expect(fixture.events.last == .lost(transport == .udp ? .allocationGone : .connectionFailed))
        #expect(fixture.client.allocation == nil)
        fixture.call { $0.allocate() }
        fixture.run()
        #expect(fixture.events.last == .allocate)
    }

    @Test("Redirected, it allocates at the other server, once", arguments: plain)
    func redirect(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport)
        let otherHost = fixture.network.makeHost("other", addresses: ["192.0.2.20"])
        let other = try SimulatedTURNServer(
            on: otherHost, users: [TURNClientFixture.user: TURNClientFixture.password])
        fixture.server.settings.redirect = TURNRedirect(to: ["192.0.2.20:3478"])
        fixture.call { $0.allocate() }
        fixture.run()
        #expect(fixture.events == [.allocate])
        #expect(other.allocations.count == 1 && fixture.server.allocations == [])
        #expect(fixture.client.allocation?.serverAddress == "192.0.2.20:3478")
    }

    @Test("Servers that redirect to each other are not followed for ever")
    func redirectLoop() throws {
        let fixture = try TURNClientFixture()
        let otherHost = fixture.network.makeHost("other", addresses: ["192.0.2.20"])
        let other = try SimulatedTURNServer(
            on: otherHost, users: [TURNClientFixture.user: TURNClientFixture.password])
        fixture.server.settings.redirect = TURNRedirect(to: ["192.0.2.20:3478"])
        other.settings.redirect = TURNRedirect(to: ["192.0.2.10:3478"])
        fixture.call { $0.allocate() }
        fixture.run(.seconds(60))
        #expect(fixture.events == [.error(.badRedirect)])
    }

    @Test("H7: a port that the server remembers is left for another one, twice")
    func portRejected() throws {
        for times in [1, 2, 3] {
            let fixture = try TURNClientFixture()
            var ports: Set<UInt16> = []
            fixture.network.interceptor = { packet in
                if packet.destination.port == 3478 { ports.insert(packet.source.port) }
                return .pass
            }
            fixture.server.fail(
                .allocate, with: STUNMessage.ErrorCode(code: 437, reason: "Allocation Mismatch"), times: times)
            fixture.call { $0.allocate() }
            fixture.run(.seconds(30))
            #expect(fixture.events == [times == 3 ? .responseError(.allocate, 437) : .allocate])
            #expect(ports.count == min(times + 1, 3))
        }
    }

    @Test("The next address of a name is tried where one is silent", arguments: plain)
    func nextAddress(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport, host: "turn.example")
        let dead = fixture.network.makeHost("dead", addresses: ["192.0.2.66"])
        dead.answersClosedPorts = false
        fixture.network.names["turn.example"] = ["192.0.2.66", "192.0.2.10"]
        fixture.call { $0.allocate() }
        fixture.run(.seconds(5))
        #expect(fixture.events == [.allocate])
    }

    private static let orders: [[IPAddress]] = [["192.0.2.66", "2001:db8::10"], ["2001:db8::66", "192.0.2.10"]]

    @Test(
        "B1.9: a name's addresses of both families race, so that a silent one costs next to nothing", arguments: plain)
    func familiesRace(transport: TransportProtocol) throws {
        for order in Self.orders {
            let fixture = try TURNClientFixture(transport, host: "turn.example")
            fixture.network.names["turn.example"] = order
            fixture.network.makeHost("dead", addresses: ["192.0.2.66", "2001:db8::66"]).answersClosedPorts = false
            fixture.call { $0.allocate() }
            fixture.run(.milliseconds(400))
            #expect(fixture.events == [.allocate])
            #expect(fixture.client.allocation?.serverAddress.ip == order[1])
            fixture.call { $0.close() }
            fixture.run(.seconds(60))
            #expect(fixture.events == [.allocate] && fixture.server.allocations == [])
        }
    }

    @Test("B1.9: a slow address that answers first wins, and no other keeps anything", arguments: plain)
    func slowFamily(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport, host: "turn.example")
        fixture.network.names["turn.example"] = ["192.0.2.10", "2001:db8::10"]
        fixture.clientHost.link.setConditions(LinkConditions(delay: .milliseconds(200)))
        fixture.connect()
        #expect(fixture.events == [.allocate, .permission(fixture.peer.localAddress.ip)])
        #expect(fixture.client.allocation?.serverAddress == "192.0.2.10:3478")
        #expect(fixture.server.allocations.count == 1)
        try fixture.client.send([1], to: fixture.peer.localAddress)
        fixture.run()
        #expect(fixture.received == [[1]])
    }

    @Test("B2.10: a channel that the server refuses with 400 costs the allocation, and another is made, once")
    func channelMismatch() throws {
        let fixture = try TURNClientFixture()
        fixture.connect()
        let first = fixture.server.allocations
        let peer = fixture.peer.localAddress
        fixture.server.fail(.channelBind, with: .badRequest, times: 2)
        fixture.call { $0.bindChannel(to: peer) }
        fixture.run()
        #expect(fixture.events.suffix(2) == [.lost(.allocationGone), .allocate])
        #expect(fixture.server.allocations.count == 1 && fixture.server.allocations != first)
        fixture.call { $0.bindChannel(to: peer) }
        fixture.run()
        #expect(fixture.events.last == .lost(.allocationGone))
        #expect(fixture.server.allocations == [] && fixture.client.allocation == nil)
        fixture.connect(binding: true)
        #expect(fixture.events.suffix(3) == [.allocate, .permission(peer.ip), .channel(peer)])
    }

    @Test("Both families are relayed where both are asked for")
    func dualStack() throws {
        let fixture = try TURNClientFixture { $0.relayFamilies = [.v4, .v6] }
        fixture.connect()
        let allocation = try #require(fixture.client.allocation)
        #expect(Set(allocation.relayedAddresses.map(\.family)) == [.v4, .v6])
        #expect(fixture.client.makeRelayedSockets().map(\.localAddress) == allocation.relayedAddresses)
    }

    @Test("A released allocation is gone on both sides", arguments: plain)
    func release(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport)
        fixture.connect()
        fixture.call { $0.refresh(lifetime: .zero) }
        fixture.run()
        #expect(fixture.events.last == .refresh(.zero))
        #expect(fixture.server.allocations == [] && fixture.client.allocation == nil)
    }

    @Test("Closing frees the server's side, and no event comes after it", arguments: plain, [0, 5, 15, 25, 45, 500])
    func closing(transport: TransportProtocol, milliseconds: Int) throws {
        let fixture = try TURNClientFixture(transport)
        let delay = LinkConditions(delay: .milliseconds(5))
        fixture.clientHost.link.setConditions(delay)
        fixture.call { $0.allocate() }
        fixture.run(.milliseconds(milliseconds))
        let before = fixture.events
        fixture.call { $0.close() }
        fixture.call { $0.close() }
        fixture.call { $0.allocate() }
        fixture.run(.seconds(5))
        #expect(fixture.events == before)
        if milliseconds == 500 { #expect(before == [.allocate] && fixture.server.allocations == []) }
    }

    @Test("An event may close the client, and nothing else happens", arguments: plain)
    func closingInEvent(transport: TransportProtocol) throws {
        let fixture = try TURNClientFixture(transport)
        fixture.onEvent = { $0.close() }
        fixture.call { $0.allocate() }
        fixture.run(.seconds(60))
        #expect(fixture.events == [.allocate])
        #expect(fixture.server.allocations == [])
    }

    @Test("A client that is let go is gone, in any state", arguments: plain, [0, 5, 15, 25, 45, 500])
    func lifetime(transport: TransportProtocol, milliseconds: Int) throws {
        let network = SimulatedNetwork(seed: 1)
        try SimulatedTURNServer(on: network.makeHost("turn", addresses: ["192.0.2.10"]), users: ["alice": "secret"])
        let host = network.makeHost("client", addresses: ["198.51.100.1"])
        host.link.setConditions(LinkConditions(delay: .milliseconds(5)))
        weak var reference: TURNClient?
        do {
            let configuration = TURNClientConfiguration(
                host: "192.0.2.10", transport: transport, username: "alice", password: "secret")
            let client = try TURNClient(platform: host, configuration: configuration)
            reference = client
            client.allocate()
            network.run(for: .milliseconds(milliseconds))
            client.createPermission(for: "203.0.113.1")
            _ = client.makeRelayedSockets()
        }
        #expect(reference == nil)
        network.run(for: .seconds(5))
    }
}
