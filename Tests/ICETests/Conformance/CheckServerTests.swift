import ICETesting
import STUN
import Testing

@testable import ICE
@testable import ICECore

@Suite("C4: answering checks and acting on them")
struct CheckServerTests {
    @Test("C4.1, H20: a check before the peer's credentials and candidates is answered at once and acted upon later")
    func earlyCheck() throws {
        let call = try ScriptedCall()
        try call.start(withCredentials: false)
        call.peer.sendCheck(to: call.client)
        call.run(.milliseconds(50))
        #expect(call.peer.responses.map(\.messageClass) == [.success])
        #expect(call.peer.requests.isEmpty)
        try call.client.setRemoteParameters(call.peer.parameters)
        call.run(.milliseconds(25))
        #expect(call.client.state == .connected)
        #expect(call.client.remoteCandidates.map(\.kind) == [.peerReflexive])
    }

    @Test("C5.2, H20: an early check that nominated is remembered as one")
    func earlyNomination() throws {
        let call = try ScriptedCall(role: .controlled)
        try call.start(withCredentials: false)
        for nominates in [true, false] {
            call.peer.sendCheck(to: call.client) {
                $0.role = .controlling
                $0.nominates = nominates
            }
        }
        call.run(.milliseconds(50))
        try call.client.setRemoteParameters(call.peer.parameters)
        call.run(.milliseconds(30))
        #expect(call.nominated.count == 1)
    }

    @Test("An early check of somebody else's session is not acted upon")
    func earlyStranger() throws {
        let call = try ScriptedCall()
        try call.start(withCredentials: false)
        let fragment = call.client.localParameters.usernameFragment
        call.peer.sendCheck(to: call.client) { $0.username = "\(fragment):somebodyElse" }
        call.run(.milliseconds(50))
        try call.client.setRemoteParameters(call.peer.parameters)
        call.run(.milliseconds(50))
        #expect(call.client.remoteCandidates.isEmpty)
        #expect(call.peer.requests.isEmpty)
    }

    @Test(
        "C4.1: the peer's half of the username may be empty or long",
        arguments: ["", "x", String(repeating: "a", count: 400)])
    func remoteHalf(_ half: String) throws {
        let call = try ScriptedCall()
        try call.start(withCredentials: false)
        let fragment = call.client.localParameters.usernameFragment
        call.peer.sendCheck(to: call.client) { $0.username = "\(fragment):\(half)" }
        call.run(.milliseconds(50))
        #expect(call.peer.responses.map(\.messageClass) == [.success])
    }

    @Test("C4.1: early checks from many sources are bounded")
    func earlyFlood() throws {
        let call = try ScriptedCall()
        try call.start(withCredentials: false)
        for number in 0..<500 {
            let check = call.peer.check(for: call.client.localParameters)
            call.network.inject(
                check.bytes, from: TransportAddress("203.0.113.9", port: UInt16(2000 + number)),
                to: call.client.localCandidates[0].address)
        }
        call.run(.milliseconds(50))
        try call.client.setRemoteParameters(call.peer.parameters)
        call.run(.milliseconds(50))
        #expect(call.client.remoteCandidates.count <= 100)
    }

    struct Conflict: CustomStringConvertible {
        let role: Role
        let claimed: Role
        let tieBreaker: UInt64
        let answers: Int?
        let becomes: Role
        var description: String { "\(role) meets \(claimed) with tiebreaker \(tieBreaker)" }
    }

    static let conflicts = [
        Conflict(role: .controlling, claimed: .controlling, tieBreaker: 0, answers: 487, becomes: .controlling),
        Conflict(role: .controlling, claimed: .controlling, tieBreaker: .max, answers: nil, becomes: .controlled),
        Conflict(role: .controlled, claimed: .controlled, tieBreaker: 0, answers: nil, becomes: .controlling),
        Conflict(role: .controlled, claimed: .controlled, tieBreaker: .max, answers: 487, becomes: .controlled),
        Conflict(role: .controlling, claimed: .controlled, tieBreaker: .max, answers: nil, becomes: .controlling),
        Conflict(role: .controlled, claimed: .controlling, tieBreaker: 0, answers: nil, becomes: .controlled),
    ]

    @Test("C4.2, H3: the larger tiebreaker controls, in all six cases", arguments: conflicts)
    func roleConflict(_ conflict: Conflict) throws {
        let call = try ScriptedCall(role: conflict.role)
        try call.start()
        call.peer.sendCheck(to: call.client) {
            $0.role = conflict.claimed
            $0.tieBreaker = conflict.tieBreaker
        }
        call.run(.milliseconds(25))
        #expect(call.peer.responses.first?[STUNMessage.ErrorCode.self]?.code == conflict.answers)
        #expect(call.client.role == conflict.becomes)
        #expect(call.client.remoteCandidates.isEmpty == (conflict.answers != nil))
    }

    @Test(
        "C4.2: an equal tiebreaker wins for the one that receives the request",
        arguments: [Role.controlling, .controlled])
    func equalTieBreaker(_ role: Role) throws {
        let call = try ScriptedCall(role: role)
        try call.start()
        let own = call.client.agent.tieBreaker.value
        call.peer.sendCheck(to: call.client) {
            $0.role = role
            $0.tieBreaker = own
        }
        call.run(.milliseconds(25))
        let error = call.peer.responses.first?[STUNMessage.ErrorCode.self]?.code
        #expect(error == (role == .controlling ? 487 : nil))
        #expect(call.client.role == .controlling)
    }

    @Test("C4.4: an unknown source is learned with the check's priority and paired with the receiving address alone")
    func unknownSource() throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "192.0.2.2"])
        try call.start()
        call.peer.answer = { _, _, _ in nil }
        call.peer.sendCheck(to: call.client) { $0.priority = 1_234_567 }
        call.run(.milliseconds(100))
        let learned = try #require(call.client.remoteCandidates.first)
        #expect(learned.kind == .peerReflexive)
        #expect(learned.priority == 1_234_567)
        #expect(learned.address == call.peer.address)
        #expect(call.client.candidatePairs.map(\.local.address) == [call.client.localCandidates[0].address])
    }

    @Test("C4.4: a learned candidate is not paired with local candidates that come later either")
    func lateLocal() throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "192.0.2.2"])
        call.client.gatherCandidates()
        call.client.processCandidates()
        try call.client.setRemoteParameters(call.peer.parameters)
        // The sockets are open, their candidates are not yet handed out: the check comes before them.
        call.peer.answer = { _, _, _ in nil }
        call.client.onCandidate = { _ in }
        let target = call.client.localCandidates[0].address
        let check = call.peer.check(for: call.client.localParameters)
        call.client.input { $0.receive(check.bytes.span, from: call.peer.address, on: SocketID(number: 0), now: $1) }
        call.run(.milliseconds(200))
        #expect(call.client.candidatePairs.map(\.local.address) == [target])
    }

    @Test(
        "D1.3, H11: a learned candidate that is then signalled stays one pair for its address, and meets the other addresses"
    )
    func mergedCandidate() throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "192.0.2.2"])
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.peer.sendCheck(to: call.client) { $0.priority = 1_234_567 }
        call.run(.milliseconds(20))
        #expect(call.client.candidatePairs.count == 1)
        let priority = call.client.candidatePairs[0].priority
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(200))
        #expect(call.client.remoteCandidates.map(\.kind) == [.host])
        let pairs = call.client.candidatePairs
        #expect(Set(pairs.map(\.local.address)) == Set(call.client.localCandidates.map(\.address)))
        #expect(pairs.count == 2)
        #expect(pairs.first { $0.local.address == call.client.localCandidates[0].address }?.priority == priority)
    }

    @Test("C6.4: peer-reflexive candidates are bounded, and do not keep signalled ones out")
    func learnedFlood() throws {
        let call = try ScriptedCall()
        try call.start()
        for number in 0..<400 {
            let check = call.peer.check(for: call.client.localParameters)
            call.network.inject(
                check.bytes, from: TransportAddress("203.0.113.9", port: UInt16(2000 + number)),
                to: call.client.localCandidates[0].address)
        }
        call.run(.milliseconds(10))
        #expect(call.client.remoteCandidates.count == 100)
        #expect(call.client.candidatePairs.count <= 100)
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .seconds(10)))
    }

    @Test("C4.5: a check over a pair in progress is answered by a fresh one; the old one's answer still counts")
    func triggeredInProgress() throws {
        let call = try ScriptedCall()
        var held: [(STUNMessage, TransportAddress)] = []
        call.peer.answer = { _, request, source in
            held.append((request, source))
            return nil
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(50))
        #expect(held.count == 1)
        call.peer.sendCheck(to: call.client)
        call.run(.milliseconds(300))
        #expect(held.count == 2)
        #expect(held[0].0.transactionID != held[1].0.transactionID)
        call.run(.milliseconds(350))
        // Only the second one is repeated.
        #expect(held.count == 3)
        #expect(held[2].0.transactionID == held[1].0.transactionID)
        call.peer.send(call.peer.success(to: held[0].0, mapped: held[0].1).bytes, to: held[0].1)
        call.run(.milliseconds(10))
        #expect(call.client.state == .connected)
    }

    @Test("C4.2: a check that names another session of the peer's does not change the role")
    func strangerRole() throws {
        let call = try ScriptedCall()
        try call.start()
        let fragment = call.client.localParameters.usernameFragment
        call.peer.sendCheck(to: call.client) {
            $0.username = "\(fragment):somebodyElse"
            $0.role = .controlling
            $0.tieBreaker = .max
        }
        call.run(.milliseconds(50))
        #expect(call.client.role == .controlling)
        #expect(call.client.remoteCandidates.isEmpty)
    }

    @Test("C4.5: however often a peer triggers, checks keep their pace and nothing piles up")
    func triggerFlood() throws {
        let call = try ScriptedCall()
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        for _ in 0..<1000 {
            call.peer.sendCheck(to: call.client)
            call.run(.milliseconds(5))
        }
        #expect(call.peer.responses.count >= 990)
        #expect(call.peer.requests.count <= 5000 / 50 + 5)
        #expect(call.client.agent.session.checks.all.count <= 210)
    }

    @Test("C4.5: a check over a failed pair revives it")
    func triggeredFailed() throws {
        let call = try ScriptedCall()
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 500) }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(100))
        #expect(call.failures.count == 1)
        call.peer.answer = { peer, request, source in peer.success(to: request, mapped: source) }
        call.peer.sendCheck(to: call.client)
        call.run(.milliseconds(100))
        #expect(call.client.state == .connected)
        #expect(call.client.candidatePairs.count == 1)
    }

    @Test("C4.5: a check over a pair that works causes none in return")
    func triggeredSucceeded() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let count = call.peer.requests.count
        call.peer.sendCheck(to: call.client)
        call.run(.milliseconds(500))
        #expect(call.peer.requests.count == count)
    }

    @Test("H36: an answer leaves from the address that was asked")
    func multihomed() throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
        try call.start(withCredentials: false)
        for candidate in call.client.localCandidates {
            call.peer.send(call.peer.check(for: call.client.localParameters).bytes, to: candidate.address)
            call.run(.milliseconds(20))
            #expect(call.peer.lastSource == candidate.address)
        }
    }

    @Test("A check that the application refuses is dropped without a sound")
    func refusedByApplication() throws {
        let call = try ScriptedCall()
        var asked: [BindingRequest] = []
        call.client.shouldAcceptBindingRequest = { request in
            asked.append(request)
            return false
        }
        try call.start()
        call.peer.sendCheck(to: call.client)
        call.run(.milliseconds(100))
        #expect(asked.map(\.source) == [call.peer.address])
        #expect(asked.first?.remoteUsernameFragment == "peer")
        #expect(call.peer.datagramCount == 0)
        #expect(call.client.remoteCandidates.isEmpty)
        call.client.shouldAcceptBindingRequest = { _ in true }
        call.peer.sendCheck(to: call.client)
        call.run(.milliseconds(100))
        #expect(call.client.state == .connected)
    }

    @Test("F13: attributes of browsers' experiments in a check are ignored")
    func experimentalAttributes() throws {
        let call = try ScriptedCall()
        try call.start()
        var check = call.peer.check(for: call.client.localParameters) {
            $0.isSigned = false
            $0.hasFingerprint = false
        }
        for type in UInt16(0xc057)...0xc060 { check.append(type: type, value: [0, 1, 0, 10]) }
        check.appendIntegrity(IntegrityKey(shortTermPassword: call.client.localParameters.password))
        check.appendFingerprint()
        call.peer.send(check.bytes, to: call.client.localCandidates[0].address)
        call.run(.milliseconds(100))
        #expect(call.peer.responses.map(\.messageClass) == [.success])
        #expect(call.client.state == .connected)
    }

    @Test("F13: a GOOG_PING request is not answered, and changes nothing")
    func googPing() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let (before, count) = (SessionSnapshot(call.client), call.peer.datagramCount)
        var ping = STUNMessage(
            .request, STUNMethod(rawValue: 0x080), transactionID: STUNTransactionID(high: 1, low: 2))
        #expect(ping.bytes.prefix(2) == [0x02, 0x00])
        ping.appendIntegrity(IntegrityKey(shortTermPassword: call.client.localParameters.password))
        call.peer.send(ping.bytes, to: call.client.localCandidates[0].address)
        call.run(.milliseconds(100))
        #expect(call.peer.datagramCount == count)
        #expect(SessionSnapshot(call.client) == before)
    }
}
