import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("H, C3, C5, E7: checks that once went wrong")
struct CheckBugTests {
    private func nominate(_ peer: ScriptedPeer, _ call: ScriptedCall, number: UInt32? = nil) {
        peer.sendCheck(to: call.client) {
            ($0.role, $0.nominates, $0.nominationNumber) = (.controlling, true, number)
        }
    }

    // MARK: Nominations

    @Test(
        "E7.1: beside a number that was not agreed on, USE-CANDIDATE nominates, and the latest one counts",
        arguments: [false, true])
    func numberBesideUseCandidate(_ isLite: Bool) throws {
        let call = try ScriptedCall(role: .controlled) { $0.isLite = isLite }
        let other = try NominationBugTests.second(call)
        try call.start()
        for (peer, number) in [(call.peer, 1000), (other, 1)] as [(ScriptedPeer, UInt32)] {
            nominate(peer, call, number: number)
            call.run(.milliseconds(200))
            #expect(call.nominated.last?.remote.address == peer.address)
            #expect(call.client.selectedPair()?.remote.address == peer.address)
        }
        #expect(call.nominated.count == 2)
    }

    /// A controlled client with two pairs that work, the second of which has not been checked for 31 s.
    private func twoValidPairs(_ configure: (inout ICEConfiguration) -> Void = { _ in }) throws -> (
        ScriptedCall, ScriptedPeer
    ) {
        let call = try ScriptedCall(role: .controlled, configure: configure)
        let other = try NominationBugTests.second(call)
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(other.candidate(foundation: "2", priority: 1000))
        call.run(.seconds(1))
        #expect(call.client.statistics().candidatePairs.map(\.state) == [.succeeded, .succeeded])
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
        let count = other.requests.count
        call.run(.seconds(30))
        #expect(other.requests.count == count)
        return (call, other)
    }

    @Test("C5.2, E2.2: a nominated pair whose last answer was long ago is used once it has answered again")
    func staleNomination() throws {
        let (call, other) = try twoValidPairs()
        other.answer = { _, _, _ in nil }
        let before = other.requests.count
        nominate(other, call)
        call.run(.milliseconds(400))
        // It has asked, and sends nothing else there.
        #expect(other.responses.last?.messageClass == .success)
        #expect(other.requests.count == before + 1)
        #expect(call.nominated.isEmpty)
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
        try call.client.send("x")
        call.run(.milliseconds(20))
        #expect(call.peer.data.count == 1 && other.data.isEmpty)
        other.answer = { peer, request, source in peer.success(to: request, mapped: source) }
        call.run(.seconds(1))
        #expect(call.nominated.map(\.remote.address) == [other.address])
        #expect(call.client.selectedPair()?.remote.address == other.address)
    }

    @Test("C5.2, E2.2: a nominated pair that does not answer again is not used")
    func deadNomination() throws {
        let (call, other) = try twoValidPairs()
        other.answer = { _, _, _ in nil }
        nominate(other, call)
        call.run(.seconds(40))
        #expect(call.failures.map(\.0.remote.address) == [other.address])
        #expect(call.nominated.isEmpty)
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
        nominate(call.peer, call)
        call.run(.milliseconds(100))
        #expect(call.nominated.map(\.remote.address) == [call.peer.address])
    }

    @Test("C5.2: where nobody watches consent, a nomination counts at once")
    func withoutConsent() throws {
        let (call, other) = try twoValidPairs { $0.consentInterval = nil }
        other.answer = { _, _, _ in nil }
        nominate(other, call)
        call.run(.milliseconds(20))
        #expect(call.nominated.map(\.remote.address) == [other.address])
    }

    // MARK: Role conflicts

    @Test("C3.5, H2: late 487s to the role of before make no pair fail, however many there are")
    func lateConflicts() throws {
        let call = try ScriptedCall()
        var held: [(STUNMessage, TransportAddress)] = []
        call.peer.answer = { _, request, source in
            held.append((request, source))
            return nil
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        // Each check of the peer's has another one follow, in place of the one that is under way.
        for _ in 0..<15 {
            call.run(.milliseconds(100))
            call.peer.sendCheck(to: call.client)
        }
        call.run(.milliseconds(100))
        #expect(held.count >= 15)
        #expect(held.allSatisfy { $0.0[STUNMessage.ICEControlling.self] != nil })
        let late = held
        held = []
        for (request, source) in late {
            call.peer.send(call.peer.failure(to: request, 487).bytes, to: source)
            call.run(.milliseconds(100))
        }
        #expect(call.client.role == .controlled)
        #expect(call.failures.isEmpty)
        call.peer.answer = { peer, request, source in peer.success(to: request, mapped: source) }
        nominate(call.peer, call)
        call.run(.seconds(1))
        #expect(call.failures.isEmpty)
        #expect(call.nominated.map(\.remote.address) == [call.peer.address])
    }
}
