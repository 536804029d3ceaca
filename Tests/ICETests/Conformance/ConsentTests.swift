import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("E2, C5.7: consent and keepalives")
struct ConsentTests {
    @Test("E2.1, E2.4: consent checks are whole checks, 4 to 6 s apart, each a transaction of its own")
    func rhythm() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let first = call.peer.requests.count
        call.run(.seconds(300))
        let checks = call.peer.requests[first...]
        let times = call.peer.requestTimes[first...]
        #expect(Set(checks.map(\.transactionID)).count == checks.count)
        for (earlier, later) in zip(times, times.dropFirst()) {
            #expect(later - earlier >= .milliseconds(4000))
            #expect(later - earlier <= .milliseconds(6000))
        }
        #expect(Set(zip(times, times.dropFirst()).map { $1 - $0 }).count > 10)
        for check in checks {
            #expect(check[STUNMessage.Username.self] != nil)
            #expect(check[STUNMessage.Priority.self] != nil)
            #expect(check[STUNMessage.ICEControlling.self] != nil)
            #expect(check[STUNMessage.UseCandidate.self] == nil)
            #expect(check.fingerprint == .valid)
        }
        #expect(call.client.state == .completed)
    }

    @Test("H24: one lost consent check changes no state")
    func oneLost() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let count = call.states.count
        var isFirst = true
        call.peer.answer = { peer, request, source in
            defer { isFirst = false }
            return isFirst ? nil : peer.success(to: request, mapped: source)
        }
        call.run(.seconds(20))
        #expect(call.states.count == count)
        #expect(call.client.state == .completed)
    }

    @Test("G6: silence is told once, and ends with the next answer")
    func silence() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let count = call.states.count
        call.peer.answer = { _, _, _ in nil }
        call.run(.seconds(18))
        #expect(Array(call.states[count...]) == [.disconnected])
        call.peer.answer = { peer, request, source in peer.success(to: request, mapped: source) }
        call.run(.seconds(7))
        #expect(Array(call.states[count...]) == [.disconnected, .completed])
    }

    @Test("E2.2: 30 s after the last answer sending stops, to the address and for good")
    func expiry() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.run(.seconds(60))
        var held: [(STUNMessage, TransportAddress)] = []
        call.peer.answer = { _, request, source in
            held.append((request, source))
            return nil
        }
        let lastAnswer = try #require(call.peer.requestTimes.last)
        #expect(call.network.run(until: { call.client.state == .failed }, atMost: .seconds(32)))
        let gap = call.network.now - lastAnswer
        #expect(gap >= .seconds(30) && gap < .milliseconds(30_100))
        #expect(call.client.failure?.code == .consentExpired)
        #expect(throws: ICEError.self) { try call.client.send("too late") }
        let count = call.peer.datagramCount
        // A late answer brings nothing back.
        for (request, source) in held {
            call.peer.send(call.peer.success(to: request, mapped: source).bytes, to: source)
        }
        call.run(.seconds(30))
        #expect(call.client.selectedPair() == nil)
        #expect(call.peer.datagramCount == count)
    }

    @Test("E2.2: after consent ran out, the same credentials are not used towards that address again")
    func noWayBack() throws {
        // Candidates may still come, so that the session has not failed yet.
        let call = try ScriptedCall()
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { call.client.selectedPair()?.isNominated == true }, atMost: .seconds(2)))
        call.peer.answer = { _, _, _ in nil }
        #expect(call.network.run(until: { call.client.selectedPair() == nil }, atMost: .seconds(32)))
        #expect(call.client.state != .failed)
        let count = call.peer.requests.count
        call.peer.answer = { peer, request, source in peer.success(to: request, mapped: source) }
        call.peer.sendCheck(to: call.client)
        call.run(.seconds(2))
        #expect(call.peer.requests.count == count)
        #expect(call.client.selectedPair() == nil)
    }

    @Test("H26: data from the peer is not consent")
    func dataIsNotConsent() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.peer.answer = { _, _, _ in nil }
        for _ in 0..<40 {
            call.peer.send([200, 1, 2], to: call.client.localCandidates[0].address)
            call.peer.sendCheck(to: call.client)
            call.run(.seconds(1))
        }
        #expect(call.received.count > 20)
        #expect(call.client.selectedPair() == nil)
    }

    @Test("H27: answers that are unsigned, or from elsewhere, do not renew consent", arguments: [false, true])
    func forgedConsent(_ isFromElsewhere: Bool) throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let other = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001", name: "other")
        call.peer.answer = { peer, request, source in
            if isFromElsewhere {
                other.send(peer.success(to: request, mapped: source).bytes, to: source)
            } else {
                var response = STUNMessage(.success, .binding, transactionID: request.transactionID)
                response.append(STUNMessage.XORMappedAddress(source))
                response.appendFingerprint()
                peer.send(response.bytes, to: source)
            }
            return nil
        }
        call.run(.seconds(37))
        #expect(call.client.selectedPair() == nil)
    }

    @Test("E2.3: an authenticated 403 takes consent back at once, an unsigned one does not")
    func revocation() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.peer.answer = { peer, request, source in
            var response = STUNMessage(.failure, .binding, transactionID: request.transactionID)
            response.append(STUNMessage.ErrorCode.forbidden)
            peer.send(response.bytes, to: source)
            return peer.success(to: request, mapped: source)
        }
        call.run(.seconds(20))
        #expect(call.client.selectedPair() != nil)
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 403) }
        call.run(.seconds(7))
        #expect(call.client.selectedPair() == nil)
        call.run(.seconds(40))
        #expect(call.client.failure?.code == .consentRevoked)
    }

    @Test("C5.7: without consent, an indication goes out 15 to 20 s after the last packet, and not while data flows")
    func keepalives() throws {
        let call = try ScriptedCall { $0.consentInterval = nil }
        #expect(try call.connect())
        let start = call.network.now
        call.run(.seconds(101))
        let times = [start] + call.peer.indicationTimes
        let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
        #expect(gaps.count >= 5 && gaps.allSatisfy { $0 >= .seconds(15) && $0 <= .milliseconds(20_100) })
        #expect(call.peer.requestTimes.allSatisfy { $0 <= start })
        let before = call.peer.indicationTimes.count
        for _ in 0..<6 {
            try call.client.send("data")
            call.run(.seconds(10))
        }
        #expect(call.peer.indicationTimes.count == before)
        let last = call.network.now - .seconds(10)
        call.run(.seconds(20))
        try #require(call.peer.indicationTimes.count > before)
        let silence = call.peer.indicationTimes[before] - last
        #expect(silence >= .seconds(15) && silence <= .milliseconds(20_100))
    }

    @Test("C5.7: the indication is a Binding indication with a fingerprint, and with nothing that says who sends it")
    func keepaliveAttributes() throws {
        let call = try ScriptedCall { $0.consentInterval = nil }
        #expect(try call.connect())
        call.run(.seconds(41))
        #expect(call.peer.indications.count == 2)
        for indication in call.peer.indications {
            #expect(indication.method == .binding)
            #expect(indication.fingerprint == .valid)
            #expect(indication.attributes.map(\.type) == [STUNMessage.Fingerprint.type])
        }
        #expect(Set(call.peer.indications.map(\.transactionID)).count == 2)
    }
}
