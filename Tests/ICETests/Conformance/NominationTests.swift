import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("C5.1-C5.6: nominating and what follows")
struct NominationTests {
    @Test("C5.2: the peer's nomination of a pair that works counts at once")
    func nominationOfValidPair() throws {
        let call = try ScriptedCall(role: .controlled)
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .seconds(1)))
        #expect(call.nominated.isEmpty)
        call.peer.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        call.run(.milliseconds(11))
        #expect(call.nominated.map(\.isNominated) == [true])
    }

    @Test("C5.2: before the pair works, the nomination counts as soon as the triggered check succeeds")
    func nominationAhead() throws {
        let call = try ScriptedCall(role: .controlled)
        try call.start()
        call.peer.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        call.run(.milliseconds(15))
        #expect(call.nominated.isEmpty)
        call.run(.milliseconds(20))
        #expect(call.nominated.count == 1)
    }

    @Test("A controlling agent takes no nomination from the peer")
    func nominationByControlled() throws {
        let call = try ScriptedCall(role: .controlling) { $0.nomination = .regular }
        call.peer.answer = { peer, request, source in
            request[STUNMessage.UseCandidate.self] == nil ? peer.success(to: request, mapped: source) : nil
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .seconds(1)))
        call.peer.sendCheck(to: call.client) {
            $0.role = .controlled
            $0.nominates = true
        }
        call.run(.milliseconds(100))
        #expect(call.nominated.isEmpty)
    }

    @Test("C5.3, H14: the latest nomination is the selected pair, though its priority is lower")
    func laterNomination() throws {
        let call = try ScriptedCall(role: .controlled)
        let second = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        #expect(try call.connect())
        second.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
            $0.priority = 1
        }
        call.run(.milliseconds(100))
        #expect(call.nominated.map(\.remote.address) == [call.peer.address, second.address])
        #expect(call.client.selectedPair()?.remote.address == second.address)
        try call.client.send("this way")
        call.run(.milliseconds(50))
        #expect(second.data.count == 1)
        #expect(call.peer.data.isEmpty)
    }

    @Test("C5.3: a repeated or duplicated nomination is no later one")
    func repeatedRequest() throws {
        let call = try ScriptedCall(role: .controlled)
        let second = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        try call.start()
        let first = call.peer.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        call.run(.milliseconds(100))
        second.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        call.run(.milliseconds(100))
        #expect(call.client.selectedPair()?.remote.address == second.address)
        call.peer.send(first.bytes, to: call.client.localCandidates[0].address)
        call.run(.milliseconds(100))
        #expect(call.client.selectedPair()?.remote.address == second.address)
        // A new request for the first pair is one.
        call.peer.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        call.run(.milliseconds(100))
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
    }

    @Test("H15: no second nomination starts while one is on its way")
    func oneNomination() throws {
        let call = try ScriptedCall()
        let second = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        var nominations: [TransportAddress] = []
        for peer in [call.peer, second] {
            peer.answer = { peer, request, source in
                guard request[STUNMessage.UseCandidate.self] != nil else {
                    return peer.success(to: request, mapped: source)
                }
                nominations.append(peer.address)
                return nil
            }
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(second.candidate(foundation: "2", priority: 2_130_706_430))
        call.run(.milliseconds(900))
        #expect(Set(nominations).count == 1)
    }

    @Test("C5.4, H16: a nomination that is never answered is given up for another pair that works")
    func lostNomination() throws {
        let call = try ScriptedCall()
        let second = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        call.peer.answer = { peer, request, source in
            request[STUNMessage.UseCandidate.self] == nil ? peer.success(to: request, mapped: source) : nil
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(second.candidate(foundation: "2", priority: 2_130_706_430))
        call.client.addRemoteCandidate(nil as Candidate?)
        #expect(call.network.run(until: { call.client.state == .completed }, atMost: .seconds(10)))
        #expect(call.client.selectedPair()?.remote.address == second.address)
    }

    @Test("C5.4: with no other pair, a nomination is repeated afresh until it is answered")
    func repeatedNomination() throws {
        let call = try ScriptedCall()
        var isDeaf = true
        call.peer.answer = { peer, request, source in
            isDeaf && request[STUNMessage.UseCandidate.self] != nil ? nil : peer.success(to: request, mapped: source)
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(8))
        #expect(call.client.state == .connected)
        isDeaf = false
        #expect(call.network.run(until: { call.client.state == .completed }, atMost: .seconds(3)))
        let ids = Set(call.peer.requests.filter { $0[STUNMessage.UseCandidate.self] != nil }.map(\.transactionID))
        #expect(ids.count > 1)
    }

    @Test("C5.4: a nomination that is answered by an error leaves no data on a failed pair")
    func refusedNomination() throws {
        let call = try ScriptedCall()
        call.peer.answer = { peer, request, source in
            request[STUNMessage.UseCandidate.self] == nil
                ? peer.success(to: request, mapped: source) : peer.failure(to: request, 400)
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(2))
        #expect(call.failures.count == 1)
        #expect(call.client.selectedPair() == nil)
        #expect(call.client.state != .connected)
    }

    @Test("C5.1: eager nomination does not wait for a first pair that is dead")
    func eagerWithDeadFirstPair() throws {
        let call = try ScriptedCall {
            $0.nomination = .eager
            $0.pacing = .fast
        }
        let dead = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        dead.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(dead.candidate())
        call.run(.milliseconds(2))
        call.client.addRemoteCandidate(call.peer.candidate(foundation: "2", priority: 2_130_706_000))
        call.client.addRemoteCandidate(nil as Candidate?)
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .milliseconds(100)))
        #expect(call.network.run(until: { call.client.state == .completed }, atMost: .milliseconds(100)))
        call.run(.milliseconds(1))
        #expect(call.nominated.map(\.remote.address) == [call.peer.address])
    }

    @Test("C5.1: a check from the peer's relay that comes ahead of all signalling is not chosen over a direct pair")
    func relayAhead() throws {
        let call = try ScriptedCall {
            $0.nomination = .eager
            $0.pacing = .fast
        }
        let relay = try ScriptedPeer(
            call.network, call.network.makeHost("relay", addresses: ["203.0.113.9"]), at: "203.0.113.9:50000")
        try call.start()
        relay.sendCheck(to: call.client)
        call.run(.milliseconds(40))
        #expect(call.client.state == .connected && call.nominated.isEmpty)
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(relay.candidate(.relayed, foundation: "2", priority: 1))
        call.client.addRemoteCandidate(nil as Candidate?)
        #expect(call.network.run(until: { !call.nominated.isEmpty }, atMost: .seconds(1)))
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
    }

    @Test("C5.6: once nominated, the other pairs are no longer checked, and requests are still answered")
    func conclusion() throws {
        let call = try ScriptedCall { $0.backupPairs = 0 }
        let silent = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        silent.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(silent.candidate())
        call.client.addRemoteCandidate(call.peer.candidate(foundation: "2", priority: 2_130_706_000))
        #expect(call.network.run(until: { !call.nominated.isEmpty }, atMost: .seconds(2)))
        let count = silent.requests.count
        silent.sendCheck(to: call.client)
        call.run(.seconds(40))
        #expect(silent.requests.count == count)
        #expect(silent.responses.map(\.messageClass) == [.success])
        #expect(call.client.candidatePairs.count == 1)
    }

    @Test("C5.6: backups are kept alive with a check in 15 to 20 s, and used when the selected pair dies")
    func backups() throws {
        let call = try ScriptedCall(role: .controlled)
        let second = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(second.candidate(foundation: "2", priority: 2_130_706_000))
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.milliseconds(300))
        call.peer.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        #expect(call.network.run(until: { call.client.state == .completed }, atMost: .seconds(1)))
        #expect(call.client.candidatePairs.count == 2)
        let before = second.requests.count
        call.run(.seconds(62))
        #expect(3...4 ~= second.requests.count - before)
        call.peer.answer = { _, _, _ in nil }
        call.run(.seconds(5))
        #expect(call.client.selectedPair()?.remote.address == second.address)
        #expect(call.client.state == .completed && !call.states.contains(.disconnected))
        call.run(.seconds(37))
        #expect(call.failures.map(\.1.code) == [.timeout], "the pair that was in use stood by, and did not answer")
        try call.client.send("still there")
        call.run(.milliseconds(50))
        #expect(second.data.count == 1)
    }

    @Test("E2.2: when the peer is gone with all its addresses, no backup gets consent anew and the session fails")
    func allPathsDie() {
        let network = SimulatedNetwork(seed: 8)
        let a = network.makeHost("a", addresses: ["192.0.2.1", "192.0.2.2"])
        let b = network.makeHost("b", addresses: ["198.51.100.1", "198.51.100.2"])
        let call = SimulatedCall(network, a, b)
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        network.run(for: .seconds(40))
        let count = call.states[0].count
        b.link.isCut = true
        #expect(network.run(until: { call.caller.state == .failed }, atMost: .seconds(37)))
        network.run(for: .milliseconds(1))
        #expect(Array(call.states[0][count...]) == [.disconnected, .failed])
        #expect(throws: ICEError.self) { try call.caller.send("anybody?") }
    }

    @Test("C5.6: a backup that dies is given up without harm")
    func deadBackup() throws {
        let call = try ScriptedCall(role: .controlled)
        let second = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(second.candidate(foundation: "2", priority: 2_130_706_000))
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.milliseconds(300))
        call.peer.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        call.run(.milliseconds(50))
        second.answer = { _, _, _ in nil }
        call.run(.seconds(120))
        #expect(call.client.state == .completed)
        #expect(call.failures.map(\.1.code) == [.timeout])
        let count = second.requests.count
        call.run(.seconds(60))
        #expect(second.requests.count == count)
    }

    @Test("C5.5: data goes over a pair that works before any is nominated, and comes in over every pair that works")
    func dataBeforeNomination() throws {
        let call = try ScriptedCall(role: .controlled)
        let second = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(second.candidate(foundation: "2", priority: 2_130_706_175))
        call.run(.milliseconds(200))
        #expect(call.client.state == .connected && call.nominated.isEmpty)
        try call.client.send("early")
        for peer in [call.peer, second] { peer.send([1, 2, 3], to: call.client.localCandidates[0].address) }
        call.run(.milliseconds(20))
        #expect(call.peer.data == [Array("early".utf8)] && second.data.isEmpty)
        #expect(call.received == [[1, 2, 3], [1, 2, 3]])
    }

    @Test("C5.5: once a pair is selected, data goes over it alone, and comes in over the other that works as well")
    func dataFromBackup() throws {
        let call = try ScriptedCall(role: .controlled)
        let second = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        try call.start()
        call.client.addRemoteCandidate(second.candidate(foundation: "2"))
        call.client.addRemoteCandidate(call.peer.candidate(priority: 1000))
        call.run(.milliseconds(300))
        call.peer.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        call.run(.milliseconds(100))
        #expect(call.client.selectedPair()?.isNominated == true)
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
        for round in 0..<3 as Range<UInt8> {
            second.send([200, round], to: call.client.localCandidates[0].address)
            try call.client.send("this way")
            call.run(.seconds(20))
        }
        #expect(call.received == [[200, 0], [200, 1], [200, 2]])
        #expect(call.peer.data.count == 3 && second.data.isEmpty)
    }

    @Test("C5.5: data that comes behind the peer's check, ahead of the answer to ours, is taken")
    func dataBehindCheck() throws {
        let call = try ScriptedCall(role: .controlled)
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        let target = call.client.localCandidates[0].address
        call.peer.send([200, 0], to: target)
        call.peer.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        call.peer.send([200, 1], to: target)
        call.run(.milliseconds(300))
        #expect(!call.peer.requests.isEmpty && call.client.selectedPair() == nil)
        #expect(call.received == [[200, 1]])
        #expect(call.client.statistics().foreignDatagrams == 1)
    }
}
