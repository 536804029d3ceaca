import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("What a relay does in the course of a call")
struct RelayLifeTests {
    /// A client that knows a TURN server, and a peer on the open Internet.
    private final class Scene {
        let relays: RelayTests.Scene
        let client: ICEClient
        let peer: ScriptedPeer
        var network: SimulatedNetwork { relays.network }

        init(_ configure: (inout ICEConfiguration) -> Void = { _ in }) throws {
            relays = try RelayTests.scene(urls: ["turn:192.0.2.10"])
            var configuration = ICEConfiguration()
            configuration.servers = [relays.urls]
            configure(&configuration)
            let host = relays.network.makeHost("a", addresses: ["203.0.113.7"])
            client = ICEClient(on: host, configuration: configuration)
            let remote = relays.network.makeHost("peer", addresses: ["203.0.113.8"])
            peer = try ScriptedPeer(relays.network, remote, at: "203.0.113.8:7000")
            client.gatherCandidates()
            client.processCandidates()
            try client.setRemoteParameters(peer.parameters)
        }

        var relayed: Candidate? { client.localCandidates.first { $0.kind == .relayed } }
    }

    @Test(
        "H10: without consent, the server's next answer tells that the relay is gone, and nothing more is asked of it")
    func restartedWithoutConsent() throws {
        let scene = try Scene {
            $0.transportPolicy = .relay
            $0.consentInterval = nil
        }
        let network = scene.network
        scene.client.addRemoteCandidate(scene.peer.candidate())
        scene.client.addRemoteCandidate(nil as Candidate?)
        #expect(network.run(until: { scene.client.state == .completed }, atMost: .seconds(5)))
        network.run(for: .seconds(100))
        scene.relays.server.restart()
        network.run(for: .seconds(100))
        #expect(scene.client.state == .completed)
        #expect(network.run(until: { scene.client.state == .failed }, atMost: .seconds(300)))
        #expect(scene.client.failure?.code == .relayLost)
        network.run(for: .seconds(1))
        let counters = scene.relays.server.counters.requests
        network.run(for: .seconds(3600))
        #expect(scene.relays.server.counters.requests == counters)
        #expect(scene.relays.server.allocations.isEmpty)
    }

    @Test("D2.2: a relayed candidate's related address is what its server saw, behind a NAT too")
    func relatedAddress() throws {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10"])
        let (host, _) = RelayTests.hosts(scene.network, RelayTests.far)
        var configuration = ICEConfiguration()
        configuration.servers = [scene.urls]
        let client = ICEClient(on: host, configuration: configuration)
        client.gatherCandidates()
        #expect(scene.network.run(until: { client.gatheringState == .complete }, atMost: .seconds(5)))
        let relayed = try #require(client.localCandidates.first { $0.kind == .relayed })
        let mapped = try #require(client.localCandidates.first { $0.kind == .serverReflexive })
        #expect(mapped.address.ip == "203.0.113.1")
        #expect(relayed.relatedAddress == mapped.address)
        #expect(relayed.description.hasSuffix("typ relay raddr 203.0.113.1 rport \(mapped.address.port)"))
    }

    @Test("C5.6: allocations that are not used are kept for 3 s after the nomination, and no longer")
    func freedAfterThreeSeconds() throws {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10"])
        let (a, b) = RelayTests.hosts(scene.network, RelayTests.far)
        let call = SimulatedCall(scene.network, a, b) {
            $0.servers = [scene.urls]
            $0.backupPairs = 0
        }
        #expect(call.connect(atMost: .seconds(10)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(2)))
        scene.network.run(for: .milliseconds(1))
        let nominatedAt = call.nominatedAt.compactMap { $0 }.sorted()
        try #require(nominatedAt.count == 2)
        #expect(call.clients.allSatisfy { $0.selectedPair()?.isRelayed == false })
        scene.network.run(for: nominatedAt[0] + .milliseconds(2_900) - scene.network.now)
        #expect(scene.server.allocations.count == 2)
        scene.network.run(for: nominatedAt[1] + .milliseconds(3_100) - scene.network.now)
        #expect(scene.server.allocations.isEmpty)
    }

    @Test("C4.3: a check that comes over a bound channel is answered with the peer's own address")
    func mappedOverChannel() throws {
        let scene = try Scene { $0.transportPolicy = .relay }
        scene.client.addRemoteCandidate(scene.peer.candidate())
        #expect(scene.network.run(until: { scene.client.selectedPair()?.isNominated == true }, atMost: .seconds(5)))
        scene.network.run(for: .seconds(1))
        #expect(scene.relays.server.counters.requests[.channelBind] == 1)
        let before = scene.relays.server.counters
        scene.peer.sendCheck(to: scene.client)
        scene.network.run(for: .milliseconds(100))
        #expect(scene.relays.server.counters.channelDataToClients == before.channelDataToClients + 1)
        #expect(scene.relays.server.counters.dataIndications == before.dataIndications)
        #expect(scene.peer.lastSource == scene.relayed?.address)
        let response = try #require(scene.peer.responses.last)
        #expect(response[STUNMessage.XORMappedAddress.self]?.address == scene.peer.address)
    }

    @Test("C3.2: the permission for a pair that stands by is kept: after a quarter of an hour it still works")
    func permissionOfBackup() throws {
        let scene = try Scene()
        #expect(scene.network.run(until: { scene.client.gatheringState == .complete }, atMost: .seconds(5)))
        var relayedChecks = 0
        scene.peer.answer = { peer, request, source in
            if source.ip == "192.0.2.10" { relayedChecks += 1 }
            return peer.success(to: request, mapped: source)
        }
        scene.client.addRemoteCandidate(scene.peer.candidate())
        scene.client.addRemoteCandidate(nil as Candidate?)
        scene.network.run(for: .seconds(900))
        #expect(scene.client.state == .completed && scene.client.selectedPair()?.local.kind == .host)
        let relayed = try #require(scene.relayed?.address)
        let checks = relayedChecks
        scene.peer.send(scene.peer.check(for: scene.client.localParameters).bytes, to: relayed)
        scene.network.run(for: .milliseconds(100))
        #expect(scene.peer.lastSource == relayed && scene.peer.responses.last?.messageClass == .success)
        scene.network.run(for: .seconds(61))
        #expect(relayedChecks - checks == 4)
        #expect(scene.client.candidatePairs.count == 2)
    }
}
