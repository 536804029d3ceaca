import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("A shared port: its sockets, and the servers asked from them")
struct SharedPortSocketBugTests {
    private static let password = "aPasswordThatIsLongEnough"
    private static let port: TransportAddress = "192.0.2.10:4000"

    // MARK: Relays

    private func turnServer(_ scene: SharedScene, _ name: String, _ ip: IPAddress) throws -> SimulatedTURNServer {
        try SimulatedTURNServer(on: scene.network.makeHost(name, addresses: [ip]), users: ["user": "secret"])
    }

    private func relayed(
        _ scene: SharedScene, _ index: UInt32, password: String = "secret",
        policy: ICEConfiguration.TransportPolicy = .relay
    ) throws -> (host: SimulatedHost, caller: ICEClient, answerer: ICEClient) {
        let host = scene.network.makeHost("caller \(index)", addresses: [IPAddress(v4: 0xcb00_7100 + index)])
        let server = try ICEServer(urls: ["turn:192.0.2.1"], username: "user", credential: password)
        let call = try scene.connect(
            host,
            answerer: {
                $0.servers = [server]
                $0.transportPolicy = policy
            })
        return (host, call.caller, call.answerer)
    }

    @Test("A TURN server stays with its client although the client's peer is silent for a while")
    func relayInSilence() throws {
        let scene = try SharedScene()
        let turn = try turnServer(scene, "turn", "192.0.2.1")
        withExtendedLifetime(turn) {}
        let first = try relayed(scene, 1)
        #expect(try scene.talks((first.caller, first.answerer)))
        first.host.link.isCut = true
        scene.network.run(for: .seconds(12))
        #expect(first.answerer.state == .disconnected)
        let second = try relayed(scene, 2)
        #expect(try scene.talks((second.caller, second.answerer)))
        first.host.link.isCut = false
        scene.network.run(for: .seconds(5))
        #expect(try scene.talks((first.caller, first.answerer)))
    }

    @Test("A relay at a server that the first one has led to works over the port, and so does a second one")
    func redirectedRelays() throws {
        let scene = try SharedScene()
        let turn = try turnServer(scene, "turn", "192.0.2.1")
        let other = try turnServer(scene, "other turn", "192.0.2.2")
        turn.settings.redirect = TURNRedirect(to: ["192.0.2.2:3478"])
        var calls: [ICEClient] = []
        for index in 1...2 {
            let call = try relayed(scene, UInt32(index))
            calls += [call.caller, call.answerer]
            try #require(call.answerer.selectedPair()?.local.kind == .relayed)
            #expect(try scene.talks((call.caller, call.answerer)))
        }
        #expect(other.allocations.count == 2)
        for client in calls { client.close() }
    }

    @Test(
        "A server that redirects to another one of the same client's costs neither relay anything",
        arguments: [false, true])
    func redirectedToOwn(isShared: Bool) throws {
        let scene = try SharedScene()
        let turn = try turnServer(scene, "turn", "192.0.2.1")
        let other = try turnServer(scene, "other turn", "192.0.2.2")
        other.settings.redirect = TURNRedirect(to: ["192.0.2.1:3478"])
        var configuration = ICEConfiguration(role: .controlled)
        configuration.servers = [
            try ICEServer(urls: ["turn:192.0.2.1", "turn:192.0.2.2"], username: "user", credential: "secret")
        ]
        configuration.transportPolicy = .relay
        let client = scene.listening(
            isShared
                ? try ICEClient(port: scene.port, configuration: configuration)
                : ICEClient(on: scene.server, configuration: configuration))
        let caller = scene.caller(on: scene.network.makeHost("caller", addresses: ["203.0.113.1"]))
        try scene.introduce(caller, client)
        #expect(scene.network.run(until: { client.gatheringState == .complete }, atMost: .seconds(2)))
        #expect(client.localCandidates.map(\.kind) == [.relayed, .relayed])
        #expect(Set(turn.allocations.map(\.client)).count == 2)
        #expect(scene.run(until: [caller, client]))
        scene.network.run(for: .seconds(30))
        #expect(try scene.talks((caller, client)))
    }

    @Test("A TURN server that a client could not use is another client's to ask from the port")
    func refusedRelay() throws {
        let scene = try SharedScene()
        let turn = try turnServer(scene, "turn", "192.0.2.1")
        let first = try relayed(scene, 1, password: "wrong", policy: .all)
        // Until it has been refused twice.
        scene.network.run(for: .seconds(1))
        #expect(turn.allocations.isEmpty && first.answerer.selectedPair()?.local.kind == .host)
        let second = try relayed(scene, 2)
        #expect(second.answerer.selectedPair()?.local.kind == .relayed)
        #expect(turn.allocations.map(\.client) == [Self.port])
    }

    // MARK: Sockets

    @Test("That nobody listens at a peer's address is told to the client that asked there")
    func unreachable() throws {
        let scene = try SharedScene()
        _ = scene.network.makeHost("nobody", addresses: ["203.0.113.1"])
        let client = try scene.answerer()
        client.gatherCandidates()
        client.processCandidates()
        try client.setRemoteParameters(ICEParameters(usernameFragment: "gone", password: Self.password))
        try client.addRemoteCandidate("candidate:1 1 udp 2130706431 203.0.113.1 7000 typ host")
        scene.network.run(for: .seconds(60))
        #expect(scene.failures(of: client).map(\.code) == [.refused])
    }

    @Test("A client that always has more to send leaves room for others")
    func room() throws {
        let scene = try SharedScene()
        let calls = try (1...2).map { index in
            try scene.connect(
                scene.network.makeHost("caller \(index)", addresses: [IPAddress(v4: 0xcb00_7100 + UInt32(index))]))
        }
        // Ten datagrams of the applications fit into the buffer each time that there is room.
        let interface = scene.server.interface
        var sent = 0
        scene.network.interceptor = { packet in
            if packet.sender == "server", !STUNMessage.looksLikeSTUN(packet.bytes.span) {
                sent += 1
                if sent % 10 == 0 { interface.sendFault = .wouldBlock }
            }
            return .pass
        }
        interface.sendFault = .wouldBlock
        for call in calls {
            let answerer = call.answerer
            answerer.onWritable = { [weak answerer] _ in
                while let answerer, (try? answerer.send("x")) != nil {}
            }
            #expect(throws: ICEError.self) { try answerer.send("x") }
        }
        for index in 1...20 {
            scene.network.schedule(after: .milliseconds(index * 10)) { interface.sendFault = nil }
        }
        scene.network.run(for: .milliseconds(400))
        let counts = calls.map { scene.texts(of: $0.caller).count }
        #expect(counts.reduce(0, +) >= 150)
        #expect(counts.allSatisfy { $0 >= 50 })
        scene.network.interceptor = nil
    }

    @Test("A closed client that somebody still holds keeps no port open")
    func closedClient() throws {
        let network = SimulatedNetwork(seed: 5)
        let host = network.makeHost("server", addresses: ["192.0.2.10"])
        var port: SharedPort? = try SharedPort(on: host, configuration: SharedPortConfiguration(port: 4000))
        weak let weakPort = port
        let client = try #require(try port.map { try ICEClient(port: $0, configuration: ICEConfiguration()) })
        client.gatherCandidates()
        network.run(for: .milliseconds(50))
        client.close()
        port = nil
        network.run(for: .milliseconds(50))
        #expect(weakPort == nil)
        withExtendedLifetime(client) {}
    }

    @Test("An address that is named twice is opened once")
    func duplicate() throws {
        let scene = try SharedScene { $0.addresses = ["192.0.2.10", "192.0.2.10"] }
        #expect(scene.port.localAddresses == [Self.port])
    }
}
