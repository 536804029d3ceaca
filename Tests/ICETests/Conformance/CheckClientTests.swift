import ICECore
import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("C3: sending checks and taking their answers")
struct CheckClientTests {
    @Test(
        "C3.1: a check has all that RFC 8445 §7.2.2 asks for, and USE-CANDIDATE only to nominate",
        arguments: [Role.controlling, .controlled])
    func attributes(_ role: Role) throws {
        let call = try ScriptedCall(role: role)
        #expect(try call.connect())
        let key = IntegrityKey(shortTermPassword: call.peer.parameters.password)
        let local = call.client.localParameters
        for request in call.peer.requests {
            #expect(request[STUNMessage.Username.self]?.value == "peer:\(local.usernameFragment)")
            #expect(request[STUNMessage.Priority.self]?.value == 1_862_270_975)
            #expect((request[STUNMessage.ICEControlling.self] != nil) == (role == .controlling))
            #expect((request[STUNMessage.ICEControlled.self] != nil) == (role == .controlled))
            #expect(request.verifyIntegrity(key) == .valid(.sha1))
            #expect(!request.contains(type: STUNMessage.MessageIntegritySHA256.type))
            #expect(request.fingerprint == .valid)
        }
        let nominating = call.peer.requests.filter { $0[STUNMessage.UseCandidate.self] != nil }
        #expect(nominating.count == (role == .controlling ? 1 : 0))
        #expect(call.peer.requests.first?[STUNMessage.UseCandidate.self] == nil)
    }

    @Test("C3.3: an answer from another address fails the pair")
    func answerFromElsewhere() throws {
        let call = try ScriptedCall()
        let other = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001", name: "other")
        call.peer.answer = { peer, request, source in
            other.send(peer.success(to: request, mapped: source).bytes, to: source)
            return nil
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(200))
        #expect(call.failures.map(\.1.code) == [.asymmetric])
        #expect(call.client.selectedPair() == nil)
    }

    @Test("C3.3: an answer that arrives on another socket fails the pair")
    func answerToElsewhere() throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "192.0.2.2"])
        call.peer.answer = { peer, request, source in
            let wrong = call.client.localCandidates.first { $0.address != source }
            wrong.map { peer.send(peer.success(to: request, mapped: source).bytes, to: $0.address) }
            return nil
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(300))
        #expect(call.failures.map(\.1.code) == [.asymmetric, .asymmetric])
    }

    @Test("C3.4: an address that the peer saw and nobody knew is a peer-reflexive candidate with the check's priority")
    func peerReflexive() throws {
        let call = try ScriptedCall()
        call.peer.answer = { peer, request, _ in peer.success(to: request, mapped: "203.0.113.77:4242") }
        #expect(try call.connect())
        let local = try #require(call.client.selectedPair()?.local)
        #expect(local.kind == .peerReflexive)
        #expect(local.address == "203.0.113.77:4242")
        #expect(local.priority == 1_862_270_975)
        #expect(local.relatedAddress == call.client.localCandidates[0].address)
        #expect(!call.candidates.contains { $0.kind == .peerReflexive })
    }

    @Test("C3.5, H2: two 487s to one role cause one switch, a new tiebreaker, and the pair is checked again")
    func roleConflicts() throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "192.0.2.2"])
        call.peer.answer = { peer, request, source in
            if request[STUNMessage.ICEControlling.self] != nil { return peer.failure(to: request, 487) }
            return peer.success(to: request, mapped: source)
        }
        for host in [call.clientHost, call.peerHost] {
            host.link.setConditions(LinkConditions(delay: .milliseconds(100)))
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        // Both pairs' first checks are on their way before the first answer.
        #expect(call.network.run(until: { call.peer.requests.count == 2 }, atMost: .seconds(1)))
        #expect(call.peer.requests.allSatisfy { $0[STUNMessage.ICEControlling.self] != nil })
        call.run(.seconds(3))
        #expect(call.client.role == .controlled)
        let later = call.peer.requests.dropFirst(2)
        #expect(later.allSatisfy { $0[STUNMessage.ICEControlled.self] != nil })
        let first = call.peer.requests[0][STUNMessage.ICEControlling.self]?.tieBreaker
        #expect(Set(later.map { $0[STUNMessage.ICEControlled.self]?.tieBreaker }).count == 1)
        #expect(later.first?[STUNMessage.ICEControlled.self]?.tieBreaker != first)
        #expect(call.client.state == .connected)
    }

    @Test("H18: a peer that answers every check with 487 ends in a failure, not in checks without end")
    func endlessConflict() throws {
        let call = try ScriptedCall()
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 487) }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(41))
        #expect(call.failures.map(\.1.code) == [.roleConflict])
        #expect(call.peer.requests.count < 20)
        #expect(call.client.state == .failed)
    }

    @Test("C3.6: an error answer fails the pair with its code in the reason", arguments: [400, 420, 500])
    func errorAnswer(_ code: Int) throws {
        let call = try ScriptedCall()
        call.peer.answer = { peer, request, _ in peer.failure(to: request, code, "no") }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(200))
        #expect(call.failures.map(\.1.code) == [.errorResponse])
        #expect(call.failures.first?.1.message.contains("\(code)") == true)
    }

    @Test("A4.3: answers with another key are disregarded, and named in the reason when time is up")
    func forgedAnswer() throws {
        let call = try ScriptedCall()
        call.peer.answer = { peer, request, source in
            var response = STUNMessage(.success, .binding, transactionID: request.transactionID)
            response.append(STUNMessage.XORMappedAddress(source))
            return peer.signed(response, with: IntegrityKey(shortTermPassword: "thisIsNotThePasswordAtAll"))
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(38))
        #expect(call.failures.isEmpty)
        #expect(call.peer.requests.count == 7)
        call.run(.seconds(3))
        #expect(call.failures.map(\.1.code) == [.integrity])
        #expect(call.client.statistics().unmatchedResponses > 0)
    }

    @Test("A2.3: an unsigned 487 or 403 changes no role and fails nothing", arguments: [487, 403, 400])
    func unsignedError(_ code: Int) throws {
        let call = try ScriptedCall()
        call.peer.answer = { peer, request, source in
            var response = STUNMessage(.failure, .binding, transactionID: request.transactionID)
            response.append(STUNMessage.ErrorCode(code: code, reason: "forged"))
            peer.send(response.bytes, to: source)
            return peer.success(to: request, mapped: source)
        }
        #expect(try call.connect())
        call.run(.seconds(20))
        #expect(call.client.role == .controlling)
        #expect(call.client.state == .completed)
        #expect(call.failures.isEmpty)
    }

    @Test("C6.5: an ICMP error about the first request fails nothing, since anybody may have sent it")
    func earlyICMP() throws {
        let call = try ScriptedCall()
        try call.start()
        call.peer.socket.close()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(450))
        #expect(call.failures.isEmpty)
        call.run(.seconds(3))
        #expect(call.failures.map(\.1.code) == [.refused])
    }

    @Test("C6.5: ICMP errors never kill the pair in use")
    func lateICMP() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.peer.socket.close()
        for _ in 0..<20 { try call.client.send("anybody there?") }
        call.run(.seconds(12))
        #expect(call.client.selectedPair() != nil)
        #expect(call.failures.isEmpty)
    }

    @Test("C3.6: where the system refuses to send on one interface, only its pairs fail")
    func sendFault() throws {
        let call = try ScriptedCall()
        let other = call.clientHost.addInterface("wlan0", addresses: ["192.0.2.77"])
        other.sendFault = .notPermitted
        #expect(try call.connect())
        #expect(call.failures.count == 1)
        #expect(call.failures.allSatisfy { $0.0.local.address.ip == "192.0.2.77" && $0.1.code == .unreachable })
    }

    @Test("H17: when all sends fail at once, the session still waits for the peer's checks until patience ends")
    func everySendFails() throws {
        let call = try ScriptedCall()
        call.clientHost.interface.sendFault = .notPermitted
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(30))
        #expect(call.client.state == .checking)
        call.clientHost.interface.sendFault = nil
        call.peer.sendCheck(to: call.client)
        call.run(.seconds(1))
        #expect(call.client.state == .completed)
    }

    @Test("H17: and when patience ends first, it fails with a reason")
    func everySendFailsForGood() throws {
        let call = try ScriptedCall()
        call.clientHost.interface.sendFault = .notPermitted
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(41))
        #expect(call.client.state == .failed)
        #expect(call.client.failure?.code == .checksFailed)
    }

    @Test("H18: without any pair the session fails when patience ends")
    func noPairs() throws {
        let call = try ScriptedCall()
        try call.start()
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(39))
        #expect(call.client.state != .failed)
        call.run(.seconds(1))
        #expect(call.client.state == .failed)
        #expect(call.client.failure?.code == .noCandidatePairs)
    }

    @Test("A6.1: an unanswered check goes out at RFC 8489 §6.2.1's times")
    func schedule() throws {
        let call = try ScriptedCall()
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(60))
        let first = try #require(call.peer.requestTimes.first)
        let offsets = call.peer.requestTimes.map { Int(($0 - first).milliseconds) }
        #expect(offsets == [0, 500, 1500, 3500, 7500, 15500, 31500])
        #expect(Set(call.peer.requests.map(\.bytes)).count == 1)
        #expect(call.failures.map(\.1.code) == [.timeout])
    }

    @Test("C1.7: the fast profile repeats four times 250 ms apart at first, then as the RFC does")
    func fastSchedule() throws {
        let call = try ScriptedCall { $0.pacing = .fast }
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(2600))
        let first = try #require(call.peer.requestTimes.first)
        #expect(call.peer.requestTimes.map { Int(($0 - first).milliseconds) } == [0, 250, 500, 750, 1000, 1500, 2500])
    }

    @Test("A1.10: the largest check there can be fits into any IPv4 packet")
    func largestCheck() throws {
        let call = try ScriptedCall()
        let fragment = String(repeating: "f", count: 256)
        try call.client.setRemoteParameters(
            ICEParameters(usernameFragment: fragment, password: "PasswordOfTheScript0123"))
        call.client.gatherCandidates()
        call.client.processCandidates()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(100))
        let largest = try #require(call.peer.requests.map(\.bytes.count).max())
        // RFC 8489 §6.1: 576 bytes with the headers of IP and UDP.
        #expect(largest > 256 && largest < 548)
    }

    @Test(
        "C1.8: the timeout of checks grows with the number of pairs, and is never below 500 ms",
        arguments: [(4, 500), (14, 700)])
    func timeouts(_ addresses: UInt32, _ timeout: Int) throws {
        let call = try ScriptedCall(addresses: (1...addresses).map { IPAddress(v4: 0xc000_0200 | $0) })
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(2))
        let first = try #require(call.peer.requests.first?.transactionID)
        let times = zip(call.peer.requests, call.peer.requestTimes).filter { $0.0.transactionID == first }.map(\.1)
        #expect(times.count > 1)
        #expect(zip(times, times.dropFirst()).map { $1 - $0 }.first == .milliseconds(timeout))
    }

    @Test("C5.10: the full agent controls a lite one, though that made the offer")
    func litePeer() throws {
        let call = try ScriptedCall(role: .controlled)
        var parameters = call.peer.parameters
        parameters.isLite = true
        try call.client.setRemoteParameters(parameters)
        #expect(call.client.role == .controlling)
        call.client.gatherCandidates()
        call.client.processCandidates()
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { !call.nominated.isEmpty }, atMost: .seconds(1)))
    }

    @Test("C6.6: ice2 is always signalled, and a peer without it is met")
    func peerWithoutICE2() throws {
        let call = try ScriptedCall()
        #expect(call.client.localParameters.options.contains("ice2"))
        var parameters = call.peer.parameters
        parameters.options = []
        try call.client.setRemoteParameters(parameters)
        call.client.gatherCandidates()
        call.client.processCandidates()
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { !call.nominated.isEmpty }, atMost: .seconds(1)))
    }
}
