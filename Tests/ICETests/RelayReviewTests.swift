import ICE
import ICETesting
import NetBase
import STUN
import Testing

@Suite("Relayed candidates at the edges")
struct RelayReviewTests {
    private final class Gathering {
        let client: ICEClient
        private(set) var candidates: [Candidate] = []
        private(set) var errors: [CandidateError] = []

        init(on host: SimulatedHost, _ configure: (inout ICEConfiguration) -> Void) {
            var configuration = ICEConfiguration()
            configure(&configuration)
            client = ICEClient(on: host, configuration: configuration)
            client.onCandidate = { [unowned self] in if let candidate = $0 { candidates.append(candidate) } }
            client.onCandidateError = { [unowned self] in errors.append($0) }
        }

        func run(on network: SimulatedNetwork, atMost span: Duration = .seconds(30)) {
            client.gatherCandidates()
            let isDone = network.run(until: { [client] in client.gatheringState == .complete }, atMost: span)
            #expect(isDone)
            network.run(for: .milliseconds(10))
        }

        func addresses(_ kind: Candidate.Kind) -> [TransportAddress] {
            candidates.filter { $0.kind == kind }.map(\.address)
        }
    }

    @Test("C1.2: what the server saw of another port than the host candidate's is no server-reflexive candidate")
    func mappedAfterMismatch() throws {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10"])
        scene.server.fail(.allocate, with: STUNMessage.ErrorCode(code: 437, reason: "Allocation Mismatch"))
        let (host, _) = RelayTests.hosts(scene.network, RelayTests.far)
        let gathering = Gathering(on: host) { $0.servers = [scene.urls] }
        gathering.run(on: scene.network)
        #expect(gathering.addresses(.relayed).count == 1)
        #expect(gathering.addresses(.serverReflexive) == [])
    }

    @Test(
        "B4.4: a redirection to a port where no TURN server may be is told with 500, not followed",
        arguments: [0, 22])
    func redirectToBadPort(_ port: UInt16) throws {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10"])
        scene.server.settings.redirect = TURNRedirect(to: [TransportAddress("192.0.2.20", port: port)])
        let victim = scene.network.makeHost("victim", addresses: ["192.0.2.20"])
        var visits = 0
        scene.network.interceptor = { packet in
            if packet.destination.ip == "192.0.2.20" { visits += 1 }
            return .pass
        }
        let (host, _) = RelayTests.hosts(scene.network, RelayTests.far)
        let gathering = Gathering(on: host) { $0.servers = [scene.urls] }
        gathering.run(on: scene.network)
        #expect(gathering.errors.map(\.errorCode) == [500])
        #expect(visits == 0)
        withExtendedLifetime(victim) {}
    }

    @Test("B4.2: a redirection in a circle is told with the server's own 300")
    func redirectLoop() throws {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10"])
        scene.server.settings.redirect = TURNRedirect(to: ["192.0.2.10:3478"])
        let (host, _) = RelayTests.hosts(scene.network, RelayTests.far)
        let gathering = Gathering(on: host) { $0.servers = [scene.urls] }
        gathering.run(on: scene.network)
        #expect(gathering.errors.map(\.errorCode) == [300])
    }

    @Test("URLs that mean the same server over UDP ask it once: a five-tuple has one allocation")
    func sameServerTwice() throws {
        let scene = try RelayTests.scene(urls: [
            "turn:192.0.2.10", "turn:192.0.2.10?transport=udp", "turn:192.0.2.10:3478",
        ])
        let (host, _) = RelayTests.hosts(scene.network, RelayTests.far)
        let gathering = Gathering(on: host) { $0.servers = [scene.urls] }
        gathering.run(on: scene.network, atMost: .seconds(2))
        #expect(gathering.errors == [])
        #expect(gathering.addresses(.relayed).count == 1)
        #expect(scene.server.counters.errors[437] == nil)
    }

    @Test("Over TCP, which leaves from where the routes say, a server is asked once for each component")
    func manyAddresses() throws {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10?transport=tcp"])
        let host = scene.network.makeHost("a", addresses: ["203.0.113.1", "203.0.113.2", "203.0.113.3"])
        let gathering = Gathering(on: host) { $0.servers = [scene.urls] }
        try gathering.client.addStream(components: 2)
        gathering.run(on: scene.network)
        #expect(scene.server.allocations.count == 2)
        #expect(Set(gathering.candidates.filter { $0.kind == .relayed }.map(\.component)).count == 2)
    }

    @Test("A server that is reached at addresses of both families is asked over TCP from one address of each")
    func bothFamilies() throws {
        let network = SimulatedNetwork(seed: 5)
        let turn = network.makeHost("turn", addresses: ["192.0.2.10", "2001:db8::10"])
        let server = try SimulatedTURNServer(on: turn, users: ["user": "secret"])
        network.names["turn.example"] = ["192.0.2.10", "2001:db8::10"]
        let urls = try ICEServer(urls: ["turn:turn.example?transport=tcp"], username: "user", credential: "secret")
        let addresses: [IPAddress] = ["203.0.113.1", "203.0.113.2", "2001:db8:a::1", "2001:db8:a::2"]
        let gathering = Gathering(on: network.makeHost("a", addresses: addresses)) { $0.servers = [urls] }
        gathering.run(on: network)
        #expect(server.allocations.map(\.client.family).sorted { $0.rawValue < $1.rawValue } == [.v4, .v6])
    }

    @Test("An attached client's allocation that the application releases is gone for the call too")
    func attachedReleased() throws {
        let scene = try RelayTests.scene()
        let (a, b) = RelayTests.hosts(scene.network, NATMatrixTests.Cell(a: .symmetric, b: .symmetric))
        let turn = try TURNClient(
            on: a, configuration: TURNClientConfiguration(host: "192.0.2.10", username: "user", password: "secret"))
        let stun = try ICEServer(urls: ["stun:192.0.2.10"])
        let call = SimulatedCall(scene.network, a, b) { $0.servers = [stun] }
        call.caller.turnClient = turn
        #expect(call.connect(atMost: .seconds(10)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(20)))
        turn.refresh(lifetime: .zero)
        #expect(scene.network.run(until: { call.caller.state == .failed }, atMost: .seconds(60)))
        #expect(call.caller.failure?.code == .relayLost)
        turn.allocate()
        call.caller.restart()
        call.callee.restart()
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(20)))
        #expect(call.caller.selectedPair()?.local.kind == .relayed)
    }

    @Test("An attached client that is closed holds nothing up")
    func attachedClosed() throws {
        let scene = try RelayTests.scene()
        let (a, _) = RelayTests.hosts(scene.network, RelayTests.far)
        let turn = try TURNClient(
            on: a, configuration: TURNClientConfiguration(host: "192.0.2.10", username: "user", password: "secret"))
        turn.close()
        let gathering = Gathering(on: a) { _ in }
        gathering.client.turnClient = turn
        gathering.run(on: scene.network, atMost: .milliseconds(100))
    }

    @Test("A permission that was refused is asked for again after a restart")
    func permissionAfterRestart() throws {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10"])
        let (a, b) = RelayTests.hosts(scene.network, NATMatrixTests.Cell(a: .symmetric, b: .symmetric))
        let call = SimulatedCall(scene.network, a, b) {
            $0.servers = [scene.urls]
            $0.transportPolicy = .relay
        }
        scene.server.fail(.createPermission, with: STUNMessage.ErrorCode(code: 508, reason: "full"), times: 2)
        #expect(!call.connect(atMost: .seconds(20)))
        call.caller.restart()
        call.callee.restart()
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(20)))
    }

    @Test("Closed inside of a relayed socket's closure, the client still gives its allocation back")
    func closedInUnreachable() throws {
        let fixture = try TURNClientFixture()
        fixture.connect()
        let relayed = try #require(fixture.client.makeRelayedSockets().first)
        relayed.onUnreachable = { [client = fixture.client] _, _ in client.close() }
        fixture.peer.close()
        try fixture.client.send([1], to: "203.0.113.1:5000")
        fixture.run()
        #expect(fixture.server.counters.icmpIndications == 1)
        #expect(fixture.server.allocations == [])
    }

    @Test("B2.14: that a packet was too big for the way to a peer does not mean that the peer cannot be reached")
    func packetTooBig() throws {
        let fixture = try TURNClientFixture()
        fixture.connect()
        let relayed = try #require(fixture.client.makeRelayedSockets().first)
        var codes: [NetworkError.Code] = []
        relayed.onUnreachable = { codes.append($1.code) }
        let local = try #require(fixture.client.allocation?.localAddress)
        for (type, code) in [(3, 4), (11, 0), (3, 3)] as [(UInt8, UInt8)] {
            var indication = STUNMessage(.indication, .data, transactionID: STUNTransactionID(high: 0, low: 1))
            indication.append(STUNMessage.XORPeerAddress("203.0.113.1:5000"))
            indication.append(STUNMessage.ICMP(icmpType: type, icmpCode: code, errorData: 1280))
            fixture.network.inject(
                indication.bytes, from: "192.0.2.10:3478", to: TransportAddress("198.51.100.1", port: local.port))
        }
        fixture.run()
        #expect(codes == [.messageTooLarge, .hostUnreachable, .hostUnreachable])
    }

    @Test("A configuration's description shows no password")
    func description() {
        let configuration = TURNClientConfiguration(host: "192.0.2.10", username: "user", password: "hunter2")
        #expect(!"\(configuration)".contains("hunter2"))
        #expect(!String(reflecting: configuration).contains("hunter2"))
        let credentials = TURNRESTCredentials(secret: "s", expiresAt: 1)
        #expect(!"\(credentials)".contains(credentials.password))
    }

    @Test("B1.9: where a server without credentials grants both families' requests, the later one is given back")
    func raceWithoutCredentials() throws {
        let platform = FakePlatform()
        platform.names = ["turn.example": ["192.0.2.10", "2001:db8::10"]]
        var requests: [IPAddress: [STUNMethod]] = [:]
        var released: [IPAddress] = []
        platform.onSend = { bytes, destination, socket in
            guard let request = try? STUNMessage(parsing: bytes.span) else { return }
            requests[destination.ip, default: []].append(request.method)
            if request[STUNMessage.Lifetime.self]?.value == 0 { released.append(destination.ip) }
            var response = STUNMessage(.success, request.method, transactionID: request.transactionID)
            response.append(STUNMessage.XORRelayedAddress("192.0.2.10:50000"))
            response.append(STUNMessage.Lifetime(600))
            // The first family is the slower one.
            let delay = destination.family == .v4 ? Duration.milliseconds(450) : .milliseconds(50)
            socket.deliver(response.bytes, from: destination, after: delay)
        }
        let client = try TURNClient(
            platform: platform,
            configuration: TURNClientConfiguration(host: "turn.example", username: "user", password: "secret"))
        var allocations: [TURNAllocation] = []
        client.onAllocate = { allocations.append($0) }
        client.allocate()
        platform.run(for: .seconds(5))
        #expect(allocations.map(\.serverAddress) == ["[2001:db8::10]:3478"])
        #expect(requests == ["192.0.2.10": [.allocate, .refresh], "2001:db8::10": [.allocate]])
        #expect(released == ["192.0.2.10"])
        #expect(platform.openCount == 1)
        client.close()
        #expect(platform.openCount == 0)
    }

    @Test("E6.2: what is told of a server that cannot be asked does not tell the local address")
    func bindError() throws {
        let platform = FakePlatform()
        platform.bindError = NetworkError(.addressInUse, name: "EADDRINUSE", operation: "bind 198.51.100.1:7000")
        for host in ["192.0.2.10", "2001:db8::10"] {
            var configuration = TURNClientConfiguration(host: host, username: "user", password: "secret")
            configuration.localAddress = "198.51.100.1:7000"
            let client = try TURNClient(platform: platform, configuration: configuration)
            var errors: [TURNClientError] = []
            client.onError = { errors.append($0) }
            client.allocate()
            platform.run(for: .seconds(1))
            #expect(errors.map(\.code) == [.connectionFailed])
            #expect(errors.allSatisfy { !$0.message.contains("198.51.100.1") && $0.message.contains(host) })
        }
    }

    @Test("B1.9: a datagram that answers nothing decides no race")
    func strayInRace() throws {
        let fixture = try TURNClientFixture(host: "turn.example")
        fixture.network.makeHost("dead", addresses: ["192.0.2.66"]).answersClosedPorts = false
        fixture.network.names["turn.example"] = ["192.0.2.66", "2001:db8::10"]
        fixture.network.interceptor = { [network = fixture.network] packet in
            if packet.destination.ip == "192.0.2.66" {
                network.inject([1, 2, 3], from: packet.destination, to: packet.source)
            }
            return .pass
        }
        fixture.call { $0.allocate() }
        fixture.run()
        #expect(fixture.events == [.allocate])
    }

    @Test("B1.10: a port that was asked for is given up where the server does not take it")
    func fixedPortRejected() throws {
        let fixture = try TURNClientFixture { $0.localAddress = "198.51.100.1:7000" }
        fixture.server.fail(.allocate, with: STUNMessage.ErrorCode(code: 437, reason: "Allocation Mismatch"))
        fixture.call { $0.allocate() }
        fixture.run(.seconds(5))
        #expect(fixture.events == [.allocate])
        let local = try #require(fixture.client.allocation?.localAddress)
        #expect(local.ip == "198.51.100.1" && local.port != 7000)
    }
}
