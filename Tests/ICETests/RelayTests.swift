import ICE
import ICETesting
import Testing

@Suite("Calls with a TURN server")
struct RelayTests {
    struct Scene {
        let network: SimulatedNetwork
        let server: SimulatedTURNServer
        let urls: ICEServer
    }

    static func scene(
        _ seed: UInt64 = 21, urls: [String] = ["turn:192.0.2.10", "turn:192.0.2.10?transport=tcp"],
        password: String = "secret"
    ) throws -> Scene {
        let network = SimulatedNetwork(seed: seed)
        let host = network.makeHost("turn", addresses: ["192.0.2.10"])
        host.link.setConditions(LinkConditions(delay: .milliseconds(10)))
        let server = try SimulatedTURNServer(on: host, users: ["user": "secret"])
        let urls = try ICEServer(urls: urls, username: "user", credential: password)
        return Scene(network: network, server: server, urls: urls)
    }

    static func hosts(_ network: SimulatedNetwork, _ cell: NATMatrixTests.Cell) -> (SimulatedHost, SimulatedHost) {
        let a = NATMatrixTests.host("a", cell.a, on: network, number: 1)
        let b = NATMatrixTests.host("b", cell.b, on: network, number: 2)
        for host in [a, b] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        return (a, b)
    }

    @Test(
        "Every cell of the NAT matrix connects, directly wherever RFC 4787 allows it", arguments: NATMatrixTests.cells,
        [PacingProfile.standard, .fast])
    func matrix(_ cell: NATMatrixTests.Cell, _ pacing: PacingProfile) throws {
        let scene = try Self.scene()
        let (a, b) = Self.hosts(scene.network, cell)
        let call = SimulatedCall(scene.network, a, b, signallingDelay: .milliseconds(pacing == .fast ? 2 : 30)) {
            $0.servers = [scene.urls]
            $0.pacing = pacing
            $0.nomination = pacing == .fast ? .eager : .regular
        }
        #expect(call.connect(atMost: .seconds(30)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(60)))
        #expect(call.talk())
        for client in call.clients {
            let pair = try #require(client.selectedPair())
            let isRelayed = pair.local.kind == .relayed || pair.remote.kind == .relayed
            #expect(isRelayed != cell.canMeetDirectly)
        }
        call.close()
        scene.network.run(for: .seconds(2))
        #expect(scene.server.allocations.isEmpty)
    }

    static let far = NATMatrixTests.Cell(a: .portRestricted, b: .portRestricted)

    @Test("H5: relays only: no other address is told or seen, and data flows longer than permissions and channels live")
    func relayOnly() throws {
        let scene = try Self.scene(urls: ["turn:192.0.2.10"])
        let (a, b) = Self.hosts(scene.network, Self.far)
        scene.network.isTracing = true
        let call = SimulatedCall(scene.network, a, b) {
            $0.servers = [scene.urls]
            $0.transportPolicy = .relay
        }
        #expect(call.connect(atMost: .seconds(10)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(10)))
        for candidate in call.clients.flatMap(\.localCandidates) {
            #expect(candidate.kind == .relayed)
            #expect(
                candidate.description.contains("raddr 0.0.0.0 rport 9")
                    || candidate.description.contains("raddr :: rport 9"))
        }
        #expect(call.talk())
        scene.network.run(for: .seconds(1500))
        #expect(call.isCompleted)
        let before = call.clients.map { $0.statistics().packetsReceived }
        for _ in 0..<100 {
            try call.caller.send("ping")
            try call.callee.send("pong")
            scene.network.run(for: .milliseconds(20))
        }
        scene.network.run(for: .seconds(1))
        #expect(zip(call.clients, before).allSatisfy { $0.statistics().packetsReceived - $1 == 100 })
        #expect(scene.server.counters.channelDataFromClients >= 200)
        let strangers = scene.network.trace.filter {
            $0.place == "a" && $0.event == .sent && $0.destination.ip != "192.0.2.10"
        }
        #expect(strangers.isEmpty)
    }

    @Test("C3.2: a peer is let in before it is checked, and gets a channel once its pair is used")
    func permissionFirst() throws {
        let scene = try Self.scene(urls: ["turn:192.0.2.10"])
        let host = scene.network.makeHost("a", addresses: ["203.0.113.7"])
        let peer = try ScriptedPeer(
            scene.network, scene.network.makeHost("peer", addresses: ["203.0.113.8"]), at: "203.0.113.8:7000")
        var configuration = ICEConfiguration()
        configuration.servers = [scene.urls]
        configuration.transportPolicy = .relay
        let client = ICEClient(on: host, configuration: configuration)
        var isSilent = true
        peer.answer = { peer, request, source in isSilent ? nil : peer.success(to: request, mapped: source) }
        client.gatherCandidates()
        client.processCandidates()
        try client.setRemoteParameters(peer.parameters)
        client.addRemoteCandidate(peer.candidate())
        scene.network.run(for: .seconds(1))
        #expect(peer.requests.count == 2)
        #expect(scene.server.counters.requests[.createPermission] == 1)
        #expect(scene.server.counters.requests[.channelBind] == nil)
        isSilent = false
        scene.network.run(for: .seconds(5))
        #expect(client.selectedPair()?.local.kind == .relayed)
        #expect(scene.server.counters.requests[.channelBind] == 1)
    }

    @Test("C4.3: over a relay, the address in an answer is the peer's own, so that nothing else is learned from it")
    func mappedOverRelay() throws {
        let scene = try Self.scene(urls: ["turn:192.0.2.10"])
        let (a, b) = Self.hosts(scene.network, Self.far)
        let call = SimulatedCall(scene.network, a, b) {
            $0.servers = [scene.urls]
            $0.transportPolicy = .relay
        }
        #expect(call.connect(atMost: .seconds(10)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(10)))
        for client in call.clients {
            #expect(client.selectedPair()?.local.kind == .relayed)
            #expect(client.remoteCandidates.map(\.kind) == [.relayed])
        }
    }

    @Test("D1.6: a relay that comes after the nomination is neither signalled nor kept")
    func lateRelay() throws {
        let scene = try Self.scene(urls: ["turn:192.0.2.10"])
        scene.server.delay = .milliseconds(300)
        let a = scene.network.makeHost("a", addresses: ["203.0.113.7"])
        let b = scene.network.makeHost("b", addresses: ["203.0.113.8"])
        let call = SimulatedCall(scene.network, a, b) { $0.servers = [scene.urls] }
        var told: [[Candidate.Kind]] = [[], []]
        for (index, client) in call.clients.enumerated() {
            let signal = client.onCandidate
            client.onCandidate = { candidate in
                if let candidate { told[index].append(candidate.kind) }
                signal?(candidate)
            }
        }
        #expect(call.connect(atMost: .milliseconds(500)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(10)))
        scene.network.run(for: .seconds(5))
        #expect(told == [[.host], [.host]])
        #expect(scene.server.counters.requests[.allocate] == 4)
        #expect(scene.server.allocations.isEmpty)
    }

    @Test("Unused allocations are freed after a direct pair was selected")
    func freed() throws {
        let scene = try Self.scene()
        let (a, b) = Self.hosts(scene.network, Self.far)
        let call = SimulatedCall(scene.network, a, b) {
            $0.servers = [scene.urls]
            $0.backupPairs = 0
        }
        #expect(call.connect(atMost: .seconds(10)))
        scene.network.run(for: .seconds(10))
        #expect(call.isCompleted)
        #expect(scene.server.allocations.isEmpty)
        #expect(call.talk())
    }

    @Test("A relay that stood by is freed once it no longer leads to the peer")
    func deadBackup() throws {
        let scene = try Self.scene(urls: ["turn:192.0.2.10"])
        let network = scene.network
        let a = network.makeHost("a", addresses: ["203.0.113.1"])
        let b = network.makeHost("b", addresses: ["203.0.113.2"])
        for host in [a, b] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        // The callee has no relay of its own.
        network.interceptor = { $0.source.ip == "203.0.113.2" && $0.destination.port == 3478 ? .drop : .pass }
        let call = SimulatedCall(network, a, b) { $0.servers = [scene.urls] }
        call.start()
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(15)))
        network.run(for: .seconds(60))
        #expect(call.caller.selectedPair()?.local.kind == .host && scene.server.allocations.count == 1)
        network.interceptor = { $0.source.ip == "192.0.2.10" && $0.source.port != 3478 ? .drop : .pass }
        network.run(for: .seconds(60))
        #expect(call.isCompleted && scene.server.allocations.isEmpty)
    }

    @Test("A wrong password is told once per URL, and the call goes on without the relay")
    func wrongPassword() throws {
        let scene = try Self.scene(password: "wrong")
        let (a, b) = Self.hosts(scene.network, Self.far)
        var errors: [CandidateError] = []
        let stun = try ICEServer(urls: ["stun:192.0.2.10"])
        let call = SimulatedCall(scene.network, a, b) { $0.servers = [stun, scene.urls] }
        call.caller.onCandidateError = { errors.append($0) }
        #expect(call.connect(atMost: .seconds(10)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(20)))
        #expect(errors.map(\.errorCode) == [401, 401])
        #expect(Set(errors.map(\.url)) == ["turn:192.0.2.10", "turn:192.0.2.10?transport=tcp"])
    }

    @Test("B4.5: a silent server holds up neither the call nor the end of gathering")
    func silent() throws {
        let scene = try Self.scene()
        scene.server.isSilent = true
        let network = scene.network
        let a = network.makeHost("a", addresses: ["203.0.113.1"])
        let b = network.makeHost("b", addresses: ["203.0.113.2"])
        let call = SimulatedCall(network, a, b) { $0.servers = [scene.urls] }
        var errors: [Int] = []
        call.caller.onCandidateError = { errors.append($0.errorCode) }
        #expect(call.connect(atMost: .milliseconds(100)))
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(11)))
    }

    @Test("H10: a server that is restarted mid-call takes the relayed path with it, which is told")
    func restarted() throws {
        let scene = try Self.scene(urls: ["turn:192.0.2.10"])
        let (a, b) = Self.hosts(scene.network, NATMatrixTests.Cell(a: .symmetric, b: .symmetric))
        let call = SimulatedCall(scene.network, a, b) { $0.servers = [scene.urls] }
        #expect(call.connect(atMost: .seconds(10)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(10)))
        scene.server.restart()
        #expect(scene.network.run(until: { call.hasFailed }, atMost: .seconds(700)))
        call.caller.restart()
        call.callee.restart()
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(30)))
        #expect(call.talk())
    }

    @Test("An IPv6-only side and an IPv4-only side meet over relays of both families")
    func families() throws {
        let network = SimulatedNetwork(seed: 4)
        let host = network.makeHost("turn", addresses: ["192.0.2.10", "2001:db8::10"])
        _ = try SimulatedTURNServer(on: host, users: ["user": "secret"])
        let a = network.makeHost("a", addresses: ["2001:db8:a::1"])
        let b = network.makeHost("b", addresses: ["203.0.113.2"])
        let server = try ICEServer(
            urls: ["turn:192.0.2.10", "turn:[2001:db8::10]"], username: "user", credential: "secret")
        let call = SimulatedCall(network, a, b) { $0.servers = [server] }
        #expect(call.connect(atMost: .seconds(10)))
        #expect(call.talk())
    }

    @Test("An attached TURN client's allocation becomes a candidate, and stays the application's")
    func attached() throws {
        let scene = try Self.scene()
        let (a, b) = Self.hosts(scene.network, NATMatrixTests.Cell(a: .symmetric, b: .symmetric))
        let turn = try TURNClient(
            on: a, configuration: TURNClientConfiguration(host: "192.0.2.10", username: "user", password: "secret"))
        let stun = try ICEServer(urls: ["stun:192.0.2.10"])
        let call = SimulatedCall(scene.network, a, b) { $0.servers = [stun] }
        call.caller.turnClient = turn
        #expect(call.connect(atMost: .seconds(10)))
        #expect(call.talk())
        call.close()
        scene.network.run(for: .seconds(1))
        #expect(turn.allocation != nil)
        turn.close()
    }

    @Test("A TURN client with a relay for TCP is not taken for candidates, whether it has its allocation or not")
    func attachedForTCP() throws {
        for isAllocated in [false, true] {
            let scene = try Self.scene()
            let host = scene.network.makeHost("caller", addresses: ["198.51.100.1"])
            var configuration = TURNClientConfiguration(
                host: "192.0.2.10", transport: .tcp, username: "user", password: "secret")
            configuration.relayTransport = .tcp
            let turn = try TURNClient(on: host, configuration: configuration)
            if isAllocated {
                turn.allocate()
                scene.network.run(for: .seconds(1))
                #expect(turn.allocation != nil)
            }
            let client = ICEClient(on: host, configuration: ICEConfiguration(role: .controlling))
            client.turnClient = turn
            var kinds: [Candidate.Kind] = []
            client.onCandidate = { if let candidate = $0 { kinds.append(candidate.kind) } }
            client.gatherCandidates()
            scene.network.run(for: .seconds(5))
            #expect(kinds == [.host] && client.gatheringState == .complete)
            #expect((turn.allocation != nil) == isAllocated)
            client.close()
            turn.close()
        }
    }
}

@Suite("B4: what is told of servers that give no candidate")
struct CandidateErrorTests {
    @Test("B4.4: a server of another address family is told with 600, once, and holds nothing up")
    func familyMismatch() throws {
        let network = SimulatedNetwork(seed: 3)
        let client = ICEClient(
            on: network.makeHost("a", addresses: ["192.0.2.1", "192.0.2.2"]),
            configuration: {
                var configuration = ICEConfiguration()
                if let server = try? ICEServer(urls: ["stun:[2001:db8::10]"]) { configuration.servers = [server] }
                return configuration
            }())
        var errors: [CandidateError] = []
        client.onCandidateError = { errors.append($0) }
        client.gatherCandidates()
        #expect(network.run(until: { client.gatheringState == .complete }, atMost: .milliseconds(10)))
        network.run(for: .milliseconds(1))
        #expect(errors.map(\.errorCode) == [600])
        #expect(errors.first?.address == nil)
    }
}
