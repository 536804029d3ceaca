import ICE
import ICETesting
import Testing

@Suite("What applications decide of candidates")
struct CandidateChoiceTests {
    // MARK: Local candidates

    @Test("A local candidate that the application drops is neither signalled, nor paired, nor answered for")
    func drop() throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "192.0.2.2"])
        call.clientHost.ephemeralPorts = 50_000...50_000
        call.client.rewriteLocalCandidate = { $0.address.ip == "192.0.2.2" ? nil : $0 }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(1))
        #expect(call.candidates.map(\.address.ip) == ["192.0.2.1"])
        #expect(call.client.localCandidates.map(\.address.ip) == ["192.0.2.1"])
        #expect(call.client.candidatePairs.map(\.local.address.ip) == ["192.0.2.1"])
        let description = call.client.localDescription.description
        #expect(description.contains("192.0.2.1") && !description.contains("192.0.2.2"))
        let delivered = call.clientHost.counters[.delivered]
        let count = call.peer.responses.count
        let check = call.peer.check(for: call.client.localParameters)
        call.peer.send(check.bytes, to: "192.0.2.2:50000")
        call.run(.milliseconds(100))
        #expect(call.clientHost.counters[.delivered] > delivered)
        #expect(call.peer.responses.count == count)
    }

    @Test("What the application names is told by its name alone, in pairs too", arguments: [false, true])
    func named(resolves: Bool) throws {
        let network = SimulatedNetwork(seed: 5)
        let a = network.makeHost("a", addresses: ["192.168.1.2"])
        let b = network.makeHost("b", addresses: ["192.168.1.3"])
        let call = SimulatedCall(network, a, b) { $0.multicastDNS = resolves ? .resolve : .off }
        var told: [CandidatePair] = []
        call.caller.onSelectedPairChange = { told.append($0) }
        call.caller.onPairNominated = { told.append($0) }
        call.caller.rewriteLocalCandidate = { candidate in
            var candidate = candidate
            candidate.hostName = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local"
            return candidate
        }
        #expect(call.connect())
        #expect(network.run(until: { told.count == 2 }, atMost: .seconds(5)))
        #expect(told.allSatisfy { $0.local.address.ip == "0.0.0.0" && $0.local.hostName != nil })
        call.close()
    }

    @Test("A call whose every candidate was dropped ends gathering, and fails without waiting for patience")
    func dropAll() throws {
        let call = try ScriptedCall()
        var ends = 0
        call.client.onCandidate = { if $0 == nil { ends += 1 } else { Issue.record("told of a dropped one") } }
        call.client.rewriteLocalCandidate = { _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(1))
        #expect(ends == 1)
        #expect(call.client.state == .failed)
        #expect(call.peer.datagramCount == 0)
    }

    @Test(
        "At a 1:1 NAT the public address is signalled instead, checks go from the real one, and the pair shows the former"
    )
    func rewrite() throws {
        let network = SimulatedNetwork(seed: 41)
        let nat = network.makeNAT(
            "nat", external: ["203.0.113.7"],
            behavior: NATBehavior(
                mapping: .endpointIndependent, filtering: .endpointIndependent, portPreservation: true))
        let inside = network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
        let outside = network.makeHost("outside", addresses: ["198.51.100.1"])
        let call = SimulatedCall(network, inside, outside)
        call.caller.rewriteLocalCandidate = { candidate in
            var candidate = candidate
            candidate.address = TransportAddress("203.0.113.7", port: candidate.address.port)
            candidate.priority = 1
            return candidate
        }
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        #expect(call.caller.localCandidates.map(\.address.ip) == ["203.0.113.7"])
        #expect(call.caller.localCandidates.map(\.priority) == [2_130_706_431], "the priority stays the agent's")
        #expect(call.callee.remoteCandidates.map(\.kind) == [.host])
        let pair = try #require(call.caller.selectedPair())
        #expect(pair.local.kind == .host && pair.local.address.ip == "203.0.113.7")
        #expect(!call.caller.localDescription.description.contains("10.0.0.2"))
        #expect(call.talk())
    }

    @Test(
        "Nothing is shown of a candidate before the application was asked, and each generation asks with what was found"
    )
    func askedAgain() throws {
        let call = try ScriptedCall()
        var asked: [Candidate] = []
        call.client.rewriteLocalCandidate = { candidate in
            asked.append(candidate)
            var candidate = candidate
            candidate.address = TransportAddress("203.0.113.7", port: UInt16(1000 + asked.count))
            return candidate
        }
        call.client.gatherCandidates()
        #expect(asked.isEmpty)
        #expect(call.client.localCandidates.isEmpty)
        #expect(!call.client.localDescription.description.contains("192.0.2.1"))
        call.run(.milliseconds(1))
        #expect(call.client.localCandidates.map(\.address.port) == [1001])
        call.client.restart()
        #expect(call.client.localCandidates.isEmpty)
        call.run(.milliseconds(1))
        #expect(call.client.localCandidates.map(\.address.port) == [1002])
        #expect(asked.count == 2 && asked[0] == asked[1] && asked[0].address.ip == "192.0.2.1")
    }

    @Test("A dropped host candidate is the base of a reflexive one, whose related address hides it")
    func reflexiveOfDropped() throws {
        let scene = try GatheringTests.Scene(urls: ["stun:192.0.2.10"], behind: .portRestricted)
        for client in scene.call.clients { client.rewriteLocalCandidate = { $0.kind == .host ? nil : $0 } }
        #expect(scene.call.connect())
        #expect(scene.network.run(until: { scene.call.isCompleted }, atMost: .seconds(5)))
        #expect(scene.candidates.map(\.kind) == [.serverReflexive])
        #expect(scene.candidates.allSatisfy { $0.description.contains("raddr 0.0.0.0 rport 9") })
        for client in scene.call.clients {
            #expect(client.candidatePairs.allSatisfy { $0.local.kind != .host && $0.remote.kind != .host })
        }
        #expect(scene.call.talk())
        scene.network.run(for: .seconds(60))
        #expect(scene.call.isCompleted)
    }

    @Test("The application may restart or close the client while it is asked", arguments: [false, true])
    func reentrancy(_ closes: Bool) throws {
        let call = try ScriptedCall()
        var questions = 0
        call.client.rewriteLocalCandidate = { [weak client = call.client] candidate in
            questions += 1
            if closes { client?.close() } else if questions == 1 { client?.restart() }
            return candidate
        }
        call.client.gatherCandidates()
        call.run(.seconds(1))
        #expect(questions == (closes ? 1 : 2))
        #expect(call.candidates.count == (closes ? 0 : 1))
    }

    // MARK: Interfaces

    @Test("An interface that the application refuses gives no socket")
    func interfaces() throws {
        let network = SimulatedNetwork(seed: 42)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        host.addInterface("wlan0", addresses: ["192.0.2.2"])
        let client = ICEClient(on: host)
        var asked: [String] = []
        client.shouldUseInterface = { address in
            asked.append(address.interface)
            return address.interface != "wlan0"
        }
        client.gatherCandidates()
        network.run(for: .milliseconds(1))
        #expect(client.localCandidates.map(\.address.ip) == ["192.0.2.1"])
        #expect(asked.contains("eth0") && asked.contains("wlan0"))
        let count = asked.count
        client.gatherCandidates()
        #expect(asked.count == count)
    }

    // MARK: Remote candidates

    @Test("A remote candidate that the application refuses is counted, and no check goes there")
    func refuseRemote() throws {
        let call = try ScriptedCall()
        call.client.shouldAcceptRemoteCandidate = { $0.address.port != 7000 }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        try call.client.addRemoteCandidate(call.peer.candidate().description)
        try call.client.addRemoteCandidate(
            SignalledCandidate(candidate: call.peer.candidate().description, sdpMLineIndex: 0))
        call.run(.seconds(1))
        #expect(call.client.remoteCandidates.isEmpty)
        #expect(call.client.statistics().ignoredCandidates == 3)
        #expect(call.peer.datagramCount == 0)
    }

    @Test("The closures are let go of with the client")
    func letGo() throws {
        final class Owner {}
        let call = try ScriptedCall()
        weak var left: Owner?
        do {
            let owner = Owner()
            left = owner
            call.client.rewriteLocalCandidate = { [owner] in owner === left ? $0 : nil }
            call.client.shouldAcceptRemoteCandidate = { [owner] _ in owner === left }
            call.client.shouldUseInterface = { [owner] _ in owner === left }
        }
        #expect(left != nil)
        call.client.close()
        #expect(left == nil)
    }

    // MARK: Limits

    @Test("Of more addresses than the limit allows, the most preferred are used")
    func localLimit() throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "2001:db8::1", "192.0.2.2"]) {
            $0.maximumLocalCandidates = 2
        }
        try call.start()
        #expect(call.candidates.map(\.address.ip) == ["2001:db8::1", "192.0.2.1"])
    }

    @Test("What servers bring beyond the limit is not signalled")
    func reflexiveLimit() throws {
        let scene = try GatheringTests.Scene(urls: ["stun:192.0.2.10"], behind: .portRestricted) {
            $0.maximumLocalCandidates = 1
        }
        scene.call.caller.gatherCandidates()
        scene.network.run(for: .seconds(2))
        #expect(scene.candidates.map(\.kind) == [.host])
    }
}
