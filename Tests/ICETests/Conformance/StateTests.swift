import ICE
import ICETesting
import STUN
import Testing

@Suite("G: the states, one line each")
struct StateTests {
    @Test("G1: gathering is complete after all candidates and their end, once more after a restart")
    func gathering() throws {
        let (network, a, _) = SimulatedCallTests.hosts(2)
        _ = try SimulatedSTUNServer(on: network.makeHost("stun", addresses: ["192.0.2.10"]))
        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let client = ICEClient(on: a, configuration: configuration)
        var told: [String] = []
        client.onGatheringStateChange = { told.append($0.rawValue) }
        client.onCandidate = { told.append($0 == nil ? "end" : "candidate") }
        #expect(client.gatheringState == .new)
        client.gatherCandidates()
        network.run(for: .milliseconds(20))
        #expect(told == ["gathering", "candidate"])
        network.run(for: .seconds(2))
        #expect(told == ["gathering", "candidate", "end", "complete"])
        client.restart()
        #expect(client.gatheringState == .gathering)
        network.run(for: .seconds(2))
        #expect(told.suffix(4) == ["gathering", "candidate", "end", "complete"])
        #expect(told.count == 8)
    }

    @Test("G2: with several streams gathering is new, under way and complete for all of them together")
    func gatheringOfAll() throws {
        let (network, a, _) = SimulatedCallTests.hosts(2)
        let client = ICEClient(on: a)
        for _ in 0..<2 { try client.addStream(components: 2) }
        #expect(client.gatheringState == .new)
        var candidates = 0
        client.onCandidate = { if $0 != nil { candidates += 1 } else { #expect(candidates == 4) } }
        client.gatherCandidates()
        #expect(client.gatheringState != .new)
        network.run(for: .seconds(1))
        #expect(client.gatheringState == .complete)
    }

    @Test("G2: gathering goes on for all streams while a server's answer to one of them is outstanding")
    func gatheringOfOne() throws {
        let (network, a, _) = SimulatedCallTests.hosts(2)
        let server = try SimulatedSTUNServer(on: network.makeHost("stun", addresses: ["192.0.2.10"]))
        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let client = ICEClient(on: a, configuration: configuration)
        for _ in 0..<2 { try client.addStream(components: 1) }
        var (told, ends): ([ICEGatheringState], Int) = ([], 0)
        client.onGatheringStateChange = { told.append($0) }
        client.onCandidate = { if $0 == nil { ends += 1 } }
        var isSlow = true
        server.answer = { [unowned server] request, source in
            var response = STUNMessage(.success, .binding, transactionID: request.transactionID)
            response.append(STUNMessage.XORMappedAddress(source))
            return isSlow && source != server.sources.first ? nil : response
        }
        client.gatherCandidates()
        network.run(for: .seconds(6))
        #expect(Set(server.sources).count == 2)
        #expect(client.gatheringState == .gathering)
        #expect(told == [.gathering] && ends == 0)
        isSlow = false
        network.run(for: .seconds(3))
        #expect(client.gatheringState == .complete)
        #expect(told == [.gathering, .complete] && ends == 1)
    }

    @Test(
        "G3: checking begins with the peer's first candidate, signalled or shown by a check", arguments: [false, true])
    func checking(_ isLearned: Bool) throws {
        let call = try ScriptedCall()
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.run(.seconds(1))
        #expect(call.client.state == .new)
        if isLearned {
            call.peer.sendCheck(to: call.client)
        } else {
            call.client.addRemoteCandidate(call.peer.candidate())
        }
        call.run(.milliseconds(10))
        #expect(call.states == [.checking])
    }

    @Test("G4: connected lasts while the peer may bring more candidates")
    func connected() throws {
        let call = try ScriptedCall()
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(100))
        #expect(call.states == [.checking, .connected])
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.milliseconds(1))
        #expect(call.states == [.checking, .connected, .completed])
    }

    @Test("G5: completed waits for the end of this side's gathering too")
    func completed() throws {
        let (network, a, b) = SimulatedCallTests.hosts(2)
        let stun = try SimulatedSTUNServer(on: network.makeHost("stun", addresses: ["192.0.2.10"]))
        stun.delay = .seconds(3)
        let servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let call = SimulatedCall(network, a, b) { $0.servers = servers }
        #expect(call.connect(atMost: .seconds(1)))
        #expect(network.run(until: { !call.nominatedAt.contains(nil) }, atMost: .seconds(1)))
        network.run(for: .seconds(1))
        #expect(call.clients.map(\.state) == [.connected, .connected])
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        #expect(call.clients.map(\.gatheringState) == [.complete, .complete])
    }

    @Test("G7: failed is final, whatever comes, until a restart")
    func failed() throws {
        let call = try ScriptedCall()
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { call.client.state == .failed }, atMost: .seconds(100)))
        call.run(.milliseconds(1))
        call.peer.answer = { peer, request, source in peer.success(to: request, mapped: source) }
        call.client.addRemoteCandidate(call.peer.candidate(foundation: "2"))
        call.peer.sendCheck(to: call.client)
        call.client.processCandidates()
        call.run(.seconds(100))
        #expect(call.states == [.checking, .failed])
        #expect(call.selected.isEmpty)
        call.client.restart()
        call.run(.milliseconds(1))
        #expect(call.states == [.checking, .failed, .checking])
    }

    @Test("G8: when consent is lost, another pair that works is used, and the session stays connected")
    func otherPair() throws {
        let call = try ScriptedCall(role: .controlled)
        let other = try NominationBugTests.second(call)
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(other.candidate(foundation: "2", priority: 1000))
        call.run(.seconds(1))
        call.peer.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        call.run(.milliseconds(100))
        #expect(call.client.selectedPair()?.isNominated == true)
        try #require(call.client.candidatePairs.count == 2)
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 403) }
        call.run(.seconds(10))
        #expect(call.client.selectedPair()?.remote.address == other.address)
        #expect(call.states == [.checking, .connected])
    }

    @Test("G8: from completed, without another pair, the session fails at once", arguments: [10, 60])
    func noOtherPair(_ age: Int) throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.run(.seconds(age))
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 403) }
        call.run(.seconds(7))
        #expect(call.client.state == .failed)
        #expect(call.client.failure?.code == .consentRevoked)
    }

    @Test("G6, G8: while candidates may still come, a session without a pair left is disconnected, until patience ends")
    func stillTrickling() throws {
        let call = try ScriptedCall()
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { call.client.selectedPair()?.isNominated == true }, atMost: .seconds(2)))
        call.run(.seconds(10))
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 403) }
        call.run(.seconds(7))
        #expect(call.client.state == .disconnected)
        let other = try NominationBugTests.second(call)
        call.client.addRemoteCandidate(other.candidate(foundation: "2", priority: 1000))
        call.run(.seconds(1))
        #expect(call.states.suffix(3) == [.disconnected, .checking, .connected])
        other.answer = { peer, request, _ in peer.failure(to: request, 403) }
        call.run(.seconds(45))
        #expect(call.states.suffix(2) == [.disconnected, .failed])
    }

    enum Origin: CaseIterable { case completed, disconnected, failed }

    @Test(
        "G9: a restart leads from completed to connected, and from disconnected and failed to checking",
        arguments: Origin.allCases)
    func restart(_ origin: Origin) throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        if origin != .completed { call.peer.answer = { _, _, _ in nil } }
        if origin == .disconnected { call.run(.seconds(18)) }
        if origin == .failed { call.run(.seconds(60)) }
        let states: [Origin: ICEState] = [.completed: .completed, .disconnected: .disconnected, .failed: .failed]
        #expect(call.client.state == states[origin])
        let count = call.states.count
        call.client.restart()
        call.run(.milliseconds(1))
        #expect(call.states[count...].first == (origin == .completed ? .connected : .checking))
    }

    @Test("G10: data goes over the pair before connected is told, at the same instant")
    func selectedWithState() throws {
        let call = try ScriptedCall()
        var told: [(String, Instant)] = []
        call.client.onSelectedPairChange = { _ in told.append(("selected", call.network.now)) }
        call.client.onStateChange = { told.append(($0.rawValue, call.network.now)) }
        #expect(try call.connect())
        let selected = try #require(told.first { $0.0 == "selected" })
        let connected = try #require(told.first { $0.0 == "connected" })
        #expect(told.map(\.0).prefix(3) == ["checking", "selected", "connected"])
        #expect(selected.1 == connected.1)
    }

    @Test("G11: with several components the session is checking until all work, and disconnected as soon as one is")
    func aggregate() throws {
        let (network, a, b) = SimulatedCallTests.hosts(2)
        let call = SimulatedCall(network, a, b)
        for client in call.clients { try client.addStream(components: 2) }
        var ports: Set<UInt16> = []
        for client in call.clients {
            let signal = client.onCandidate
            client.onCandidate = { candidate in
                if let candidate, candidate.component == .rtcp { ports.insert(candidate.address.port) }
                signal?(candidate)
            }
        }
        var isCut = true
        network.interceptor = { isCut && ports.contains($0.source.port) ? .drop : .pass }
        call.start()
        network.run(for: .seconds(10))
        #expect(call.caller.selectedPair() != nil)
        #expect(call.caller.state == .checking)
        isCut = false
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(30)))
        isCut = true
        #expect(network.run(until: { call.caller.state == .disconnected }, atMost: .seconds(15)))
        isCut = false
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(15)))
    }

    @Test("G9: a restart towards a peer that has fallen silent leads to checking and stays there")
    func restartInSilence() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.peer.answer = { _, _, _ in nil }
        #expect(call.network.run(until: { call.client.state == .disconnected }, atMost: .seconds(20)))
        call.run(.milliseconds(1))
        let count = call.states.count
        call.client.restart()
        call.run(.seconds(2))
        #expect(call.states[count...] == [.checking])
        #expect(call.client.selectedPair() != nil)
    }

    @Test("G8: with another pair that is still being checked, the session checks again", arguments: [false, true])
    func otherPairInProgress(_ isNominated: Bool) throws {
        let call = try ScriptedCall(role: .controlled)
        let other = try NominationBugTests.second(call)
        other.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(other.candidate(foundation: "2", priority: 1000))
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.milliseconds(200))
        if isNominated {
            call.peer.sendCheck(to: call.client) {
                $0.role = .controlling
                $0.nominates = true
            }
        }
        call.run(.milliseconds(100))
        #expect(call.states.last == (isNominated ? .completed : .connected))
        let count = call.states.count
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 403) }
        call.run(.seconds(7))
        #expect(call.states[count...] == [.checking])
        #expect(call.client.selectedPair() == nil)
        other.answer = { peer, request, source in peer.success(to: request, mapped: source) }
        call.run(.seconds(20))
        #expect(call.client.selectedPair()?.remote.address == other.address)
    }
}
