import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("H, C5.8, D1.6: relays and restarts that once went wrong")
struct RelayBugTests {
    /// A client that uses relays alone, and a peer on the open Internet.
    private final class Scene {
        let relays: RelayTests.Scene
        let client: ICEClient
        let peer: ScriptedPeer
        var network: SimulatedNetwork { relays.network }

        init(_ configure: (inout ICEConfiguration) -> Void = { _ in }) throws {
            relays = try RelayTests.scene(urls: ["turn:192.0.2.10"])
            var configuration = ICEConfiguration()
            configuration.servers = [relays.urls]
            configuration.transportPolicy = .relay
            configure(&configuration)
            client = ICEClient(
                on: relays.network.makeHost("a", addresses: ["203.0.113.7"]), configuration: configuration)
            let remote = relays.network.makeHost("peer", addresses: ["203.0.113.8"])
            peer = try ScriptedPeer(relays.network, remote, at: "203.0.113.8:7000")
            client.gatherCandidates()
            client.processCandidates()
        }

        /// Whether a text gets through.
        func delivers(_ text: String) throws -> Bool {
            try client.send(text)
            network.run(for: .milliseconds(100))
            return peer.data.last == Array(text.utf8)
        }
    }

    @Test(
        "C5.8: a relay whose server confirms it late carries on, and serves the restart after that",
        arguments: [12, 15])
    func slowToConfirm(_ silence: Int) throws {
        let scene = try Scene()
        let (client, server) = (scene.client, scene.relays.server)
        try client.setRemoteParameters(scene.peer.parameters)
        client.addRemoteCandidate(scene.peer.candidate())
        client.addRemoteCandidate(nil as Candidate?)
        #expect(scene.network.run(until: { client.state == .completed }, atMost: .seconds(5)))
        let relayed = try #require(client.selectedPair()).local.address
        server.isSilent = true
        client.restart()
        scene.network.run(for: .seconds(silence))
        #expect(client.gatheringState == .complete)
        server.isSilent = false
        scene.network.run(for: .seconds(10))
        #expect(server.allocations.map(\.relayedAddresses).joined().contains(relayed))
        #expect(client.selectedPair()?.local.address == relayed)
        #expect(try scene.delivers("over the old pair"))
        client.restart()
        let again = try ScriptedPeer(scene.network, scene.network.hosts[2], at: "203.0.113.8:7001", name: "again")
        try client.setRemoteParameters(again.parameters)
        client.addRemoteCandidate(again.candidate())
        client.addRemoteCandidate(nil as Candidate?)
        #expect(scene.network.run(until: { client.state == .completed }, atMost: .seconds(5)))
        #expect(client.selectedPair()?.local.address == relayed)
        #expect(client.selectedPair()?.remote.address == again.address)
        #expect(server.allocations.count == 1)
    }

    @Test("D1.6: what an attached client gets after the end of candidates is told to nobody, but serves a restart")
    func lateAttached() throws {
        let scene = try RelayTests.scene()
        let (a, _) = RelayTests.hosts(scene.network, RelayTests.far)
        let turn = try TURNClient(
            on: a, configuration: TURNClientConfiguration(host: "192.0.2.10", username: "user", password: "secret"))
        // Two round trips take longer than gathering waits.
        scene.server.delay = .seconds(6)
        let client = ICEClient(on: a)
        var told: [Candidate.Kind?] = []
        client.onCandidate = { told.append($0?.kind) }
        client.turnClient = turn
        client.gatherCandidates()
        scene.network.run(for: .milliseconds(10_100))
        #expect(turn.allocation == nil)
        #expect(client.gatheringState == .complete)
        scene.network.run(for: .seconds(10))
        #expect(turn.allocation != nil)
        #expect(told == [.host, nil])
        #expect(client.localCandidates.map(\.kind) == [.host])
        scene.server.delay = .zero
        client.restart()
        scene.network.run(for: .seconds(1))
        #expect(told == [.host, nil, .host, .relayed, nil])
        #expect(scene.server.allocations.count == 1)
    }

    @Test("Where gathering never ends, what an attached client gets late is told all the same")
    func lateAttachedContinually() throws {
        let scene = try RelayTests.scene()
        let (a, _) = RelayTests.hosts(scene.network, RelayTests.far)
        scene.server.delay = .seconds(6)
        var configuration = ICEConfiguration()
        configuration.gatheringPolicy = .continually
        let client = ICEClient(on: a, configuration: configuration)
        var told: [Candidate.Kind?] = []
        client.onCandidate = { told.append($0?.kind) }
        client.turnClient = try TURNClient(
            on: a, configuration: TURNClientConfiguration(host: "192.0.2.10", username: "user", password: "secret"))
        client.gatherCandidates()
        scene.network.run(for: .milliseconds(10_100))
        #expect(told == [.host])
        scene.network.run(for: .seconds(10))
        #expect(told == [.host, .relayed])
    }

    @Test("A restart takes back a path between relays that was only presumed, and the new generation may presume again")
    func presumedAgain() throws {
        let scene = try Scene { $0.presumesRelaysWritable = true }
        let client = scene.client
        scene.peer.answer = { _, _, _ in nil }
        for number in 0..<3 {
            try client.setRemoteParameters(
                ICEParameters(usernameFragment: "peer\(number)", password: scene.peer.parameters.password))
            client.addRemoteCandidate(scene.peer.candidate(.relayed))
            scene.network.run(for: .seconds(1))
            #expect(client.state == .checking && client.selectedPair() == nil)
            #expect(try scene.delivers("presumed \(number)"))
            client.restart()
            #expect {
                try client.send("nobody is there yet")
            } throws: {
                ($0 as? ICEError)?.code == .notConnected
            }
        }
    }
}
