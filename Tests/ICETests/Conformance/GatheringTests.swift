import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("C1, B4, H37-H39: gathering from servers that fail, lag or lie")
struct GatheringTests {
    /// Two hosts behind NATs with a server between, and what the caller was told.
    final class Scene {
        let network = SimulatedNetwork(seed: 21)
        let server: SimulatedSTUNServer
        let call: SimulatedCall
        var errors: [CandidateError] = []
        var candidates: [Candidate] = []

        init(
            urls: [String], behind behavior: NATBehavior? = nil, configure: (inout ICEConfiguration) -> Void = { _ in }
        ) throws {
            let host = network.makeHost("stun", addresses: ["192.0.2.10", "2001:db8::10"])
            server = try SimulatedSTUNServer(on: host)
            network.names["stun.example"] = ["192.0.2.10"]
            let network = network
            let nats = behavior.map { behavior in
                [
                    network.makeNAT("nat-a", external: ["203.0.113.1"], behavior: behavior),
                    network.makeNAT("nat-b", external: ["203.0.113.2"], behavior: behavior),
                ]
            }
            let a = network.makeHost("a", addresses: [nats == nil ? "198.51.100.1" : "10.0.1.2"], behind: nats?[0])
            let b = network.makeHost("b", addresses: [nats == nil ? "198.51.100.2" : "10.0.2.2"], behind: nats?[1])
            for host in [a, b, host] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
            let servers = try urls.map { try ICEServer(urls: [$0]) }
            call = SimulatedCall(network, a, b) {
                $0.servers = servers
                configure(&$0)
            }
            call.caller.onCandidateError = { [weak self] in self?.errors.append($0) }
            let signal = call.caller.onCandidate
            call.caller.onCandidate = { [weak self] candidate in
                if let candidate { self?.candidates.append(candidate) }
                signal?(candidate)
            }
        }
    }

    @Test(
        "H39: dead servers delay neither the connection nor are they reported more than once",
        arguments: [
            ["stun:192.0.2.99"], ["stun:nobody.example"], ["stun:192.0.2.10:9999"],
            ["stun:192.0.2.99", "stun:nobody.example", "stun:192.0.2.10:9999", "stun:192.0.2.10"],
        ])
    func deadServers(_ urls: [String]) throws {
        let scene = try Scene(urls: urls)
        let call = scene.call
        #expect(call.connect(atMost: .milliseconds(200)))
        #expect(scene.network.run(until: { !call.nominatedAt.contains(nil) }, atMost: .milliseconds(300)))
        scene.network.run(for: .seconds(20))
        #expect(call.isCompleted)
        #expect(scene.errors.map(\.url).sorted() == urls.filter { $0 != "stun:192.0.2.10" }.sorted())
        #expect(scene.errors.allSatisfy { $0.errorCode == 701 })
    }

    @Test("B4.2: a server's error is told with its code, and gathering goes on")
    func erroringServer() throws {
        let scene = try Scene(urls: ["stun:stun.example"])
        scene.server.error = .serverError
        #expect(scene.call.connect())
        #expect(scene.network.run(until: { scene.call.isCompleted }, atMost: .seconds(20)))
        #expect(scene.errors.map(\.errorCode) == [500])
    }

    @Test("H21: a server that is slower than the call still gives candidates, which are paired with what came before")
    func slowServer() throws {
        let scene = try Scene(urls: ["stun:stun.example"], behind: .portRestricted)
        scene.server.delay = .seconds(3)
        #expect(scene.call.connect(atMost: .seconds(8)))
        #expect(scene.network.run(until: { scene.call.isCompleted }, atMost: .seconds(8)))
        #expect(scene.errors.isEmpty)
    }

    @Test("C1.6: once the call is nominated, servers are no longer asked to keep mappings alive", arguments: [0, 500])
    func keepalivesEnd(_ delay: Int) throws {
        let scene = try Scene(urls: ["stun:stun.example"])
        scene.server.delay = .milliseconds(delay)
        #expect(scene.call.connect())
        #expect(scene.network.run(until: { scene.call.isCompleted }, atMost: .seconds(5)))
        let count = scene.server.sources.count
        scene.network.run(for: .seconds(120))
        #expect(scene.server.sources.count == count)
    }

    @Test("C1.6: nor after the session has failed")
    func keepalivesEndWithFailure() throws {
        let scene = try Scene(urls: ["stun:stun.example"])
        scene.network.hosts[2].link.isCut = true
        scene.call.start()
        #expect(scene.network.run(until: { scene.call.caller.state == .failed }, atMost: .seconds(100)))
        scene.network.run(for: .seconds(1))
        let count = scene.server.sources.count
        scene.network.run(for: .seconds(60))
        #expect(scene.server.sources.count == count)
    }

    @Test("C1.6: until then they are, every 15 to 20 s")
    func keepalivesGoOn() throws {
        let scene = try Scene(urls: ["stun:stun.example"])
        scene.call.caller.gatherCandidates()
        scene.network.run(for: .seconds(61))
        #expect(4...5 ~= scene.server.sources.count)
    }

    @Test("H37: two servers that see the same make one candidate; what equals the host makes none")
    func equalMappings() throws {
        let scene = try Scene(urls: ["stun:192.0.2.10", "stun:stun.example"], behind: .fullCone)
        scene.call.caller.gatherCandidates()
        scene.network.run(for: .seconds(2))
        #expect(scene.candidates.map(\.kind) == [.host, .serverReflexive])
        let open = try Scene(urls: ["stun:192.0.2.10"])
        open.call.caller.gatherCandidates()
        open.network.run(for: .seconds(2))
        #expect(open.candidates.map(\.kind) == [.host])
    }

    @Test("A2.6: an answer from elsewhere than the server gives no candidate")
    func spoofedServer() throws {
        let scene = try Scene(urls: ["stun:192.0.2.10"])
        let liar = try ScriptedPeer(
            scene.network, scene.network.makeHost("liar", addresses: ["203.0.113.66"]), at: "203.0.113.66:3478")
        scene.server.answer = { request, source in
            var response = STUNMessage(.success, .binding, transactionID: request.transactionID)
            response.append(STUNMessage.XORMappedAddress("203.0.113.67:1234"))
            liar.send(response.bytes, to: source)
            return nil
        }
        scene.call.caller.gatherCandidates()
        scene.network.run(for: .seconds(5))
        #expect(scene.candidates.map(\.kind) == [.host])
    }

    @Test("C1.1: without any address gathering ends at once, and the session fails at once when the checks start")
    func noAddress() throws {
        let network = SimulatedNetwork(seed: 1)
        let client = ICEClient(on: network.makeHost("a"))
        var ends = 0
        client.onCandidate = { if $0 == nil { ends += 1 } }
        client.gatherCandidates()
        network.run(for: .milliseconds(1))
        #expect(ends == 1)
        #expect(client.gatheringState == .complete)
        client.processCandidates()
        try client.setRemoteParameters(ICEParameters(usernameFragment: "peer", password: "0123456789012345678901"))
        network.run(for: .milliseconds(1))
        #expect(client.state == .failed)
        #expect(client.failure?.code == .noCandidatePairs)
    }

    @Test("C1.7: gathering and checks share one slot in Ta")
    func pacing() throws {
        let network = SimulatedNetwork(seed: 2)
        let host = network.makeHost("a", addresses: (1...6).map { IPAddress(v4: 0xc000_0200 | $0) })
        let peerHost = network.makeHost("b", addresses: ["198.51.100.1"])
        let peer = try ScriptedPeer(network, peerHost, at: "198.51.100.1:7000")
        peer.answer = { _, _, _ in nil }
        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["stun:203.0.113.1", "stun:203.0.113.2"])]
        let client = ICEClient(on: host, configuration: configuration)
        network.isTracing = true
        try client.setRemoteParameters(peer.parameters)
        client.gatherCandidates()
        client.processCandidates()
        client.addRemoteCandidate(peer.candidate())
        network.run(for: .milliseconds(480))
        let sent = network.trace.filter { $0.event == .sent && $0.place == "a" }
        // 0, 50, … 450 ms, and three urgent ones ahead of their time at the most.
        #expect(sent.count <= 13)
        #expect(sent.count >= 10)
        #expect(sent.contains { $0.destination == peer.address })
    }

    @Test("C1.7: a claim by a peer with a larger Ta is followed")
    func largerTa() throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"])
        call.peer.answer = { _, _, _ in nil }
        call.client.gatherCandidates()
        call.client.processCandidates()
        call.run(.milliseconds(1))
        var parameters = call.peer.parameters
        parameters.pacingInterval = .milliseconds(200)
        try call.client.setRemoteParameters(parameters)
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(490))
        #expect(call.peer.requests.count <= 3)
    }

    @Test("C2.3: a reflexive candidate is checked from its base, and no pair is made twice")
    func prunedPairs() throws {
        let scene = try Scene(urls: ["stun:stun.example"], behind: .portRestricted)
        let client = scene.call.caller
        client.gatherCandidates()
        scene.network.run(for: .seconds(1))
        #expect(scene.candidates.map(\.kind) == [.host, .serverReflexive])
        try client.setRemoteParameters(
            ICEParameters(usernameFragment: "peer", password: "PasswordOfTheScript0123"))
        for port in [7000, 7001] {
            try client.addRemoteCandidate("candidate:1 1 udp 2130706431 192.0.2.20 \(port) typ host")
        }
        client.processCandidates()
        scene.network.run(for: .milliseconds(100))
        #expect(client.candidatePairs.map(\.local.kind) == [.host, .host])
    }

    @Test("B4.1: an error tells the URL, the local address that a candidate has exposed, the code and a text")
    func errorFields() throws {
        let scene = try Scene(urls: ["stun:192.0.2.99"])
        scene.call.caller.gatherCandidates()
        scene.network.run(for: .seconds(11))
        let error = try #require(scene.errors.first)
        let exposed = try #require(scene.candidates.first?.address)
        #expect(error.url == "stun:192.0.2.99" && error.errorCode == 701 && !error.errorText.isEmpty)
        #expect(error.address == exposed.ip && error.port == exposed.port)
    }

    @Test(
        "D1.6: a server-reflexive candidate is told until the nomination, and no longer", arguments: [true, false])
    func lateMapping(_ isNominated: Bool) throws {
        let network = SimulatedNetwork(seed: 21)
        let server = try SimulatedSTUNServer(on: network.makeHost("stun", addresses: ["192.0.2.10"]))
        server.delay = .seconds(3)
        let nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: .symmetric)
        let peer = try ScriptedPeer(
            network, network.makeHost("peer", addresses: ["198.51.100.1"]), at: "198.51.100.1:7000")
        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let client = ICEClient(
            on: network.makeHost("a", addresses: ["10.0.1.2"], behind: nat), configuration: configuration)
        var (told, nominations, ends): ([Candidate.Kind], Int, Int) = ([], 0, 0)
        client.onPairNominated = { _ in nominations += 1 }
        client.onCandidate = { candidate in
            if let candidate { told.append(candidate.kind) } else { ends += 1 }
        }
        client.gatherCandidates()
        client.processCandidates()
        try client.setRemoteParameters(peer.parameters)
        if isNominated { client.addRemoteCandidate(peer.candidate()) }
        network.run(for: .seconds(2))
        #expect(nominations == (isNominated ? 1 : 0))
        network.run(for: .seconds(10))
        #expect(server.sources.count > 0 && client.gatheringState == .complete && ends == 1)
        #expect(told == (isNominated ? [.host] : [.host, .serverReflexive]))
    }
}
