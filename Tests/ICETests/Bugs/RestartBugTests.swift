import ICETesting
import STUN
import Testing

@testable import ICE
@testable import ICECore

@Suite("H, C5.8: restarts that once went wrong")
struct RestartBugTests {
    /// What a client told of restarts, and how often it began anew by itself.
    private final class Needs {
        private(set) var reasons: [RestartReason.Code] = []
        /// The username fragments there were when the application was told.
        private(set) var fragments: [String] = []

        init(of client: ICEClient) {
            client.onRestartNeeded = { [weak self, weak client] reason in
                self?.reasons.append(reason.code)
                if let client { self?.fragments.append(client.localParameters.usernameFragment) }
            }
        }
    }

    // MARK: Being told

    @Test(
        "E8.1: who was told of a better path is told of the loss of all paths too, once",
        arguments: [false, true])
    func lostAfterBetter(_ restartsByItself: Bool) throws {
        let call = try ScriptedCall { $0.restartsByItself = restartsByItself }
        let needs = Needs(of: call.client)
        let other = try NominationBugTests.second(call)
        try call.start()
        var costly = call.peer.candidate()
        costly.attributes = [Candidate.Attribute(name: "network-cost", value: "900")]
        call.client.addRemoteCandidate(costly)
        call.client.addRemoteCandidate(other.candidate(foundation: "2", priority: 1000))
        call.run(.seconds(60))
        let first = call.client.localParameters.usernameFragment
        #expect(needs.reasons == [.betterPath] && call.client.agent.generation == 0)
        for peer in [call.peer, other] { peer.answer = { _, _, _ in nil } }
        call.run(.seconds(120))
        #expect(call.client.selectedPair() == nil)
        #expect(needs.reasons == [.betterPath, .pathLost])
        #expect(call.client.agent.generation == (restartsByItself ? 1 : 0))
        #expect((needs.fragments.last == first) != restartsByItself)
        #expect(needs.fragments.last == call.client.localParameters.usernameFragment)
    }

    @Test("C5.8: while a restart is under way, the end of the old path asks for no other", arguments: [false, true])
    func lostDuringRestart(_ restartsByItself: Bool) throws {
        let call = try ScriptedCall { $0.restartsByItself = restartsByItself }
        let needs = Needs(of: call.client)
        #expect(try call.connect())
        call.client.restart()
        call.peer.answer = { _, _, _ in nil }
        call.run(.seconds(40))
        #expect(call.client.selectedPair() == nil && call.failures.count == 1)
        #expect(needs.reasons.isEmpty)
        #expect(call.client.agent.generation == 1)
        let again = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7002", name: "again")
        try call.client.setRemoteParameters(again.parameters)
        call.client.addRemoteCandidate(again.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        #expect(call.network.run(until: { call.client.state == .completed }, atMost: .seconds(5)))
        #expect(needs.reasons.isEmpty)
    }

    @Test("C5.8: a check of the peer's new candidates for our old credentials is not taken for one of the old pair")
    func mixedGenerations() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let before = call.client.localParameters
        let moved = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7002", name: "moved")
        call.client.restart()
        try call.client.setRemoteParameters(moved.parameters)
        let local = try #require(call.client.localCandidates.first).address

        // As Chromium sends it from a new socket, until it has the new answer.
        moved.send(moved.check(for: before).bytes, to: local)
        call.run(.seconds(1))
        #expect(moved.responses.map(\.messageClass) == [.failure])

        call.peer.send(call.peer.check(for: before).bytes, to: local)
        call.run(.seconds(1))
        #expect(call.peer.responses.last?.messageClass == .success)
    }

    @Test(
        "C5.8: who restarts when told that the pair failed is not told that a restart is needed",
        arguments: [false, true])
    func restartWhenPairFails(_ restartsByItself: Bool) throws {
        let call = try ScriptedCall { $0.restartsByItself = restartsByItself }
        let needs = Needs(of: call.client)
        #expect(try call.connect())
        var failures = 0
        call.client.onPairFailed = { [weak client = call.client] _, _ in
            failures += 1
            client?.restart()
        }
        call.peer.answer = { _, _, _ in nil }
        call.run(.seconds(40))
        #expect(failures == 1)
        #expect(needs.reasons.isEmpty)
        #expect(call.client.agent.generation == 1)
    }

    // MARK: Older generations

    @Test("C5.8: each stream's path is answered for by the credentials of its own generation, however many came since")
    func twoGenerationsBack() throws {
        let call = try ScriptedCall()
        for _ in 0..<2 { try call.client.addStream() }
        let other = try NominationBugTests.second(call)
        try call.start()
        let places = call.client.localCandidates.map(\.address)
        for (index, peer) in [call.peer, other].enumerated() {
            var candidate = peer.candidate()
            candidate.stream = StreamID(index)
            call.client.addRemoteCandidate(candidate)
        }
        call.run(.seconds(2))
        #expect(call.nominated.count == 2)
        var generations = [call.client.localParameters]
        call.client.restart()
        generations.append(call.client.localParameters)
        let again = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7002", name: "again")
        try call.client.setRemoteParameters(again.parameters)
        call.client.addRemoteCandidate(again.candidate())
        call.run(.seconds(2))
        #expect(call.nominated.last?.remote.address == again.address)
        call.client.restart()
        call.run(.seconds(2))
        // The first stream goes by the second generation, the second one by the first.
        let ways = [(again, generations[1], places[0]), (other, generations[0], places[1])]
        for (peer, parameters, place) in ways {
            let before = peer.responses.count
            peer.send(peer.check(for: parameters).bytes, to: place)
            call.run(.milliseconds(50))
            #expect(peer.responses[before...].map(\.messageClass) == [.success])
        }
        // Both paths outlive two times 30 s.
        call.run(.seconds(61))
        for stream in 0..<2 {
            let path = StreamComponent(stream: StreamID(stream), component: .rtp)
            #expect(call.client.selectedPair(of: path) != nil)
        }
        // What carries nothing any more is not answered for: the first generation ends with the second stream's move.
        let last = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7003", name: "last")
        try call.client.setRemoteParameters(last.parameters)
        for stream in 0..<2 {
            var candidate = last.candidate()
            candidate.stream = StreamID(stream)
            call.client.addRemoteCandidate(candidate)
        }
        call.run(.seconds(2))
        for (peer, parameters, place) in ways {
            peer.send(peer.check(for: parameters).bytes, to: place)
            call.run(.milliseconds(50))
            #expect(peer.responses.last?.messageClass == .failure)
        }
    }
}
