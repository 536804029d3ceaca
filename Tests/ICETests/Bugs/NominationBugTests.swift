import ICE
import ICETesting
import STUN
import Testing

@Suite("H, C5: nominations that once went wrong")
struct NominationBugTests {
    /// Another socket of the same peer, with the same credentials.
    static func second(_ call: ScriptedCall, port: UInt16 = 7001) throws -> ScriptedPeer {
        try ScriptedPeer(call.network, call.peerHost, at: TransportAddress("198.51.100.1", port: port))
    }

    @Test("H12: a learned pair stands in the list by its priority, and can be nominated")
    func learnedPairIsSorted() throws {
        let call = try ScriptedCall()
        let other = try Self.second(call)
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate(priority: 1))
        other.sendCheck(to: call.client) { $0.priority = 2_000_000_000 }
        call.run(.milliseconds(12))
        #expect(call.client.candidatePairs.map(\.remote.address) == [other.address, call.peer.address])
        #expect(call.client.candidatePairs.first?.remote.kind == .peerReflexive)
        call.run(.seconds(1))
        #expect(call.nominated.map(\.remote.address) == [other.address])
    }

    @Test("H13: a nominated learned candidate is neither pruned nor replaced by one that is signalled as better")
    func learnedPairStays() throws {
        let call = try ScriptedCall()
        let other = try Self.second(call)
        try call.start()
        other.sendCheck(to: call.client)
        call.run(.seconds(1))
        #expect(call.nominated.map(\.remote.address) == [other.address])
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(other.candidate(.serverReflexive, foundation: "2", priority: 5))
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(60))
        #expect(call.client.selectedPair()?.remote.address == other.address)
        #expect(call.nominated.count == 1)
        #expect(call.client.state == .completed)
    }

    @Test(
        "H25: consent checks carry USE-CANDIDATE where that is asked for, and only from the controlling side",
        arguments: [Role.controlling, .controlled])
    func consentNominates(_ role: Role) throws {
        let call = try ScriptedCall(role: role) { $0.consentNominates = true }
        #expect(try call.connect())
        let before = call.peer.requests.count
        call.run(.seconds(30))
        let checks = call.peer.requests[before...]
        #expect(checks.count >= 5)
        #expect(checks.allSatisfy { ($0[STUNMessage.UseCandidate.self] != nil) == (role == .controlling) })
        #expect(call.nominated.count == 1)
    }

    @Test("C5.3: of early checks that nominate, the one that came last is in force, whichever pair works first")
    func earlyNominations() throws {
        let call = try ScriptedCall(role: .controlled)
        let other = try Self.second(call)
        call.client.gatherCandidates()
        call.client.processCandidates()
        call.run(.milliseconds(1))
        for peer in [call.peer, other, call.peer] {
            peer.sendCheck(to: call.client) {
                $0.role = .controlling
                $0.nominates = true
            }
            call.run(.milliseconds(10))
        }
        // The later nomination's pair answers later, too.
        var silence = 2
        call.peer.answer = { peer, request, source in
            silence -= 1
            return silence >= 0 ? nil : peer.success(to: request, mapped: source)
        }
        try call.client.setRemoteParameters(call.peer.parameters)
        call.run(.milliseconds(300))
        #expect(call.client.selectedPair()?.remote.address == other.address)
        call.run(.seconds(5))
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
    }

    @Test("C5.3: a nomination that is repeated afresh outranks one that waited for its pair meanwhile")
    func repeatedAfresh() throws {
        let call = try ScriptedCall(role: .controlled)
        let other = try Self.second(call)
        var isSilent = true
        other.answer = { peer, request, source in isSilent ? nil : peer.success(to: request, mapped: source) }
        #expect(try call.connect())
        for peer in [other, call.peer] {
            peer.sendCheck(to: call.client) {
                $0.role = .controlling
                $0.nominates = true
            }
            call.run(.milliseconds(20))
        }
        isSilent = false
        call.run(.seconds(10))
        #expect(other.requests.count > 1)
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
        #expect(call.nominated.count == 1)
    }

    @Test(
        "C5.1: when first checks nominate several pairs, the last the peer hears of is the one that is used",
        arguments: [150, 250, 400, 2000])
    func crossing(_ delay: Int) throws {
        let call = try ScriptedCall { $0.nomination = .eager }
        let other = try Self.second(call)
        // The better pair answers after the other one has been nominated as well.
        call.peer.answer = { peer, request, source in
            let response = peer.success(to: request, mapped: source)
            peer.network.schedule(after: .milliseconds(delay)) { peer.send(response.bytes, to: source) }
            return nil
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(other.candidate(foundation: "2", priority: 1000))
        call.run(.seconds(4))
        func lastNomination(_ peer: ScriptedPeer) -> Instant? {
            Array(zip(peer.requests, peer.requestTimes)).last { $0.0[STUNMessage.UseCandidate.self] != nil }?.1
        }
        let (better, worse) = (try #require(lastNomination(call.peer)), try #require(lastNomination(other)))
        let used = try #require(call.client.selectedPair())
        #expect(used.isNominated)
        #expect(used.remote.address == (better > worse ? call.peer.address : other.address))
        let count = call.nominated.count
        call.run(.seconds(60))
        #expect(call.nominated.count == count)
        // Answers that take 2 s to consent checks that are up to 6 s apart leave it without any for longer than 5 s, now and then.
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .seconds(8)))
    }

    @Test("G7: what has failed answers no checks any more, so that the peer does not take it for alive")
    func failedIsSilent() throws {
        let call = try ScriptedCall()
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 500) }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        #expect(call.network.run(until: { call.client.state == .failed }, atMost: .seconds(100)))
        call.run(.seconds(1))
        let before = call.peer.responses.count
        call.peer.sendCheck(to: call.client)
        call.run(.seconds(1))
        #expect(call.peer.responses.count == before)
        call.client.restart()
        call.peer.sendCheck(to: call.client)
        call.run(.seconds(1))
        #expect(call.peer.responses.count == before + 1)
    }
}
