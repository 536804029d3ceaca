import ICE
import ICETesting
import STUN
import Testing

@Suite("A shared port: calls side by side")
struct SharedPortTests {
    @Test("Each of many clients on one port has its own call, and its own data")
    func many() throws {
        let scene = try SharedScene()
        var calls: [(caller: ICEClient, answerer: ICEClient)] = []
        for index in 1...20 {
            let host = scene.network.makeHost(
                "caller \(index)", addresses: [IPAddress(v4: 0xcb00_7100 + UInt32(index))])
            calls.append(try scene.connect(host))
        }
        #expect(scene.port.statistics.clients == 20)
        for (index, call) in calls.enumerated() {
            #expect(call.answerer.selectedPair()?.local.address == "192.0.2.10:4000")
            try call.caller.send("caller \(index)")
            try call.answerer.send("answer \(index)")
        }
        scene.network.run(for: .seconds(1))
        for (index, call) in calls.enumerated() {
            #expect(scene.texts(of: call.answerer) == ["caller \(index)"])
            #expect(scene.texts(of: call.caller) == ["answer \(index)"])
        }
        for call in calls { call.answerer.close() }
        #expect(scene.port.statistics.clients == 0)
    }

    @Test("Consent goes on for minutes, and a restart keeps to the port")
    func restart() throws {
        let scene = try SharedScene()
        let call = try scene.connect(scene.network.makeHost("caller", addresses: ["203.0.113.1"]))
        scene.network.run(for: .seconds(120))
        #expect(try scene.talks(call))
        for client in [call.caller, call.answerer] { client.restart() }
        try scene.exchangeParameters(call.caller, call.answerer)
        #expect(try scene.talks(call))
        let isDone = scene.run(until: [call.caller, call.answerer], are: [.completed])
        #expect(isDone)
        scene.network.run(for: .seconds(60))
        #expect(try scene.talks(call))
        #expect(call.answerer.selectedPair()?.local.address == "192.0.2.10:4000")
        #expect(scene.port.statistics.clients == 1)
    }

    @Test("A peer whose NAT gives it another port stays with its client")
    func rebinding() throws {
        let scene = try SharedScene()
        let nat = scene.network.makeNAT("home", external: ["198.51.100.1"])
        let call = try scene.connect(scene.network.makeHost("caller", addresses: ["10.0.0.2"], behind: nat))
        let before = call.answerer.selectedPair()?.remote.address
        nat.rebind()
        scene.network.run(for: .seconds(40))
        #expect(call.answerer.selectedPair()?.remote.address != before)
        #expect(try scene.talks(call))
    }

    @Test("Mapped addresses are asked for over the port")
    func reflexive() throws {
        let scene = try SharedScene()
        let stun = try SimulatedSTUNServer(on: scene.network.makeHost("stun", addresses: ["192.0.2.1"]))
        withExtendedLifetime(stun) {}
        let nat = scene.network.makeNAT("data centre", external: ["198.51.100.1"])
        let inside = scene.network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
        let port = try SharedPort(on: inside, configuration: SharedPortConfiguration(port: 5000))
        var clients: [ICEClient] = []
        for _ in 0..<3 {
            var configuration = ICEConfiguration(role: .controlled)
            configuration.servers = [try ICEServer(urls: ["stun:192.0.2.1"])]
            let client = try ICEClient(port: port, configuration: configuration)
            client.gatherCandidates()
            clients.append(client)
        }
        let isDone = scene.network.run(
            until: { clients.allSatisfy { $0.gatheringState == .complete } }, atMost: .seconds(5))
        #expect(isDone)
        let mapped = clients.map { client in
            client.localCandidates.first { $0.kind == .serverReflexive }?.address
        }
        #expect(Set(mapped).count == 1 && mapped[0]?.ip == "198.51.100.1")
        for client in clients {
            #expect(client.localCandidates.allSatisfy { ($0.relatedAddress ?? $0.address).port == 5000 })
        }
    }

    @Test("The first client has the TURN server's five-tuple, the next one a socket of its own, and both relays work")
    func relays() throws {
        let scene = try SharedScene()
        let turn = try SimulatedTURNServer(
            on: scene.network.makeHost("turn", addresses: ["192.0.2.1"]), users: ["user": "secret"])
        withExtendedLifetime(turn) {}
        let server = try ICEServer(urls: ["turn:192.0.2.1"], username: "user", credential: "secret")
        var calls: [(caller: ICEClient, answerer: ICEClient)] = []
        for index in 1...2 {
            let host = scene.network.makeHost(
                "caller \(index)", addresses: [IPAddress(v4: 0xcb00_7100 + UInt32(index))])
            calls.append(
                try scene.connect(
                    host,
                    answerer: {
                        $0.servers = [server]
                        $0.transportPolicy = .relay
                    }))
        }
        for call in calls {
            #expect(call.answerer.selectedPair()?.local.kind == .relayed)
            #expect(try scene.talks(call))
        }
        let sources = Set(
            scene.network.trace.filter {
                $0.place == "server" && $0.event == .sent && $0.destination == "192.0.2.1:3478"
            }.map(\.source.port))
        #expect(sources.count == 2 && sources.contains(4000))
    }
}
