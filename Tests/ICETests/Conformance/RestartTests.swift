import ICETesting
import STUN
import Testing

@testable import ICE
@testable import ICECore

@Suite("C5.8: restarting ICE")
struct RestartTests {
    func call(_ configure: (inout ICEConfiguration) -> Void = { _ in }) -> SimulatedCall {
        let (network, a, b) = SimulatedCallTests.hosts(4)
        return SimulatedCall(network, a, b, configure: configure)
    }

    /// Restarts both sides and exchanges the new credentials, as an offer and its answer would.
    func restart(_ call: SimulatedCall) throws {
        call.caller.restart()
        call.callee.restart()
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
    }

    @Test("Both credentials change, the roles stay, and a new pair is nominated")
    func newGeneration() throws {
        let call = call()
        #expect(call.connect())
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        let before = call.caller.localParameters
        let roles = call.clients.map(\.role)
        let count = call.nominated[0].count
        try restart(call)
        #expect(call.caller.localParameters.usernameFragment != before.usernameFragment)
        #expect(call.caller.localParameters.password != before.password)
        #expect(call.caller.state == .connected)
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        #expect(call.nominated[0].count == count + 1)
        #expect(call.clients.map(\.role) == roles)
        #expect(call.talk())
    }

    @Test("Data flows without a gap, and consent goes on over the old pair as long as it is used")
    func withoutGap() throws {
        let call = call()
        #expect(call.connect())
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        call.caller.restart()
        call.callee.restart()
        // The new credentials take a minute to get across: twice as long as consent lasts.
        for _ in 0..<600 {
            try call.caller.send("x")
            try call.callee.send("y")
            call.network.run(for: .milliseconds(100))
        }
        #expect(call.received.map(\.count).allSatisfy { $0 >= 598 })
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
        for _ in 0..<20 {
            try call.caller.send("x")
            try call.callee.send("y")
            call.network.run(for: .milliseconds(100))
        }
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        #expect(call.received.map(\.count).allSatisfy { $0 >= 618 })
        #expect(!call.states.joined().contains(.failed))
        #expect(!call.states.joined().contains(.disconnected))
    }

    @Test("A second restart before the first has concluded keeps the old pair alive too")
    func twice() throws {
        let call = call()
        #expect(call.connect())
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        for _ in 0..<2 {
            call.caller.restart()
            call.callee.restart()
            call.network.run(for: .milliseconds(500))
        }
        call.network.run(for: .seconds(60))
        for client in call.clients { #expect(client.selectedPair() != nil) }
        #expect(!call.states.joined().contains(.disconnected))
    }

    @Test("G9: a failed session starts to check again")
    func afterFailure() throws {
        let call = call()
        call.network.hosts[0].link.isCut = true
        call.start()
        #expect(call.network.run(until: { call.hasFailed }, atMost: .seconds(100)))
        call.network.hosts[0].link.isCut = false
        try restart(call)
        #expect(call.clients.allSatisfy { $0.state == .checking })
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        #expect(call.talk())
    }

    @Test("H23: a check or candidate of the generation before means nothing to the new one")
    func oldGeneration() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let old = call.client.localParameters
        call.client.restart()
        var stale = call.peer.candidate()
        stale.attributes = [Candidate.Attribute(name: "ufrag", value: "peer")]
        stale.address.port = 4711
        try call.client.setRemoteParameters(
            ICEParameters(usernameFragment: "peer2", password: call.peer.parameters.password))
        call.client.addRemoteCandidate(stale)
        let check = call.peer.check(for: old) {
            $0.role = .controlling
            $0.tieBreaker = .max
        }
        let role = call.client.role
        let count = call.peer.responses.count
        call.peer.send(check.bytes, to: call.client.localCandidates[0].address)
        call.run(.milliseconds(200))
        #expect(call.peer.responses.count == count + 1)
        #expect(call.client.role == role)
        #expect(call.client.remoteCandidates.isEmpty)
        #expect(call.client.candidatePairs.isEmpty)
    }

    @Test("H23: a stale candidate that comes before the new credentials does not keep the new one of its address out")
    func staleCandidateOfTheSameAddress() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.client.restart()
        var candidate = call.peer.candidate()
        candidate.attributes = [Candidate.Attribute(name: "ufrag", value: "peer")]
        call.client.addRemoteCandidate(candidate)
        let parameters = try ICEParameters(usernameFragment: "peer2", password: call.peer.parameters.password)
        try call.client.setRemoteParameters(parameters)
        #expect(call.client.remoteCandidates.isEmpty)
        candidate.attributes = [Candidate.Attribute(name: "ufrag", value: "peer2")]
        call.client.addRemoteCandidate(candidate)
        call.run(.milliseconds(100))
        #expect(call.client.candidatePairs.count == 1)
        #expect(call.nominated.count == 2)
    }

    @Test("One side restarts first, and the other follows when the offer arrives", arguments: [0, 200, 3000])
    func offerAndAnswer(_ delay: Int) throws {
        let call = call()
        #expect(call.connect())
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        call.caller.restart()
        let offer = call.caller.localParameters
        call.network.schedule(after: .milliseconds(delay)) {
            call.callee.restart()
            try? call.callee.setRemoteParameters(offer)
            let answer = call.callee.localParameters
            call.network.schedule(after: .milliseconds(delay)) { try? call.caller.setRemoteParameters(answer) }
        }
        var sent = 0
        for _ in 0..<80 {
            try call.caller.send("x")
            sent += 1
            call.network.run(for: .milliseconds(100))
        }
        #expect(call.received[1].count >= sent - 1)
        #expect(call.caller.selectedPair() != nil && call.callee.selectedPair() != nil)
        #expect(call.nominated.map(\.count) == [2, 2])
    }

    @Test("H22: other credentials of the peer need a restart, and say so")
    func peerRestarted() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let before = SessionSnapshot(call.client)
        let other = try ICEParameters(usernameFragment: "other", password: "anotherPasswordOfThePeer")
        #expect {
            try call.client.setRemoteParameters(other)
        } throws: {
            ($0 as? ICEError)?.code == .remoteParametersAlreadySet
        }
        #expect(SessionSnapshot(call.client) == before)
        try call.client.setRemoteParameters(call.peer.parameters)
    }

    @Test("D1.6: the end of the old generation's gathering is not told as the new one's")
    func endOfOldGeneration() throws {
        let (network, a, _) = SimulatedCallTests.hosts(4)
        let server = network.makeHost("stun", addresses: ["192.0.2.10"])
        let stun = try SimulatedSTUNServer(on: server)
        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let client = ICEClient(on: a, configuration: configuration)
        var ends = 0
        client.onCandidate = { if $0 == nil { ends += 1 } }
        client.gatherCandidates()
        #expect(network.run(until: { client.gatheringState == .complete }, atMost: .seconds(5)))
        // The state is reached, the event is not out yet.
        #expect(ends == 0)
        stun.delay = .seconds(2)
        client.restart()
        network.run(for: .seconds(1))
        #expect(client.gatheringState == .gathering)
        #expect(ends == 0)
        network.run(for: .seconds(5))
        #expect(ends == 1)
    }

    @Test("D2.11: with a restart the peer may name another pacing and other options, and become a lite agent")
    func otherParameters() throws {
        let call = try ScriptedCall(
            role: .controlled, addresses: ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]
        ) { $0.renomination = true }
        #expect(try call.connect())
        let agreed = call.client.agent.canRenominate
        #expect(agreed)
        func restart(_ change: (inout ICEParameters) -> Void) throws -> Int {
            var parameters = call.peer.parameters
            parameters.credentials = try Credentials(
                usernameFragment: "again\(call.client.agent.session.generation)",
                password: call.peer.parameters.password)
            change(&parameters)
            call.client.restart()
            try call.client.setRemoteParameters(parameters)
            call.run(.milliseconds(1))
            let before = call.peer.requests.count
            call.peer.answer = { _, _, _ in nil }
            call.client.addRemoteCandidate(call.peer.candidate())
            call.run(.milliseconds(390))
            call.peer.answer = { peer, request, source in peer.success(to: request, mapped: source) }
            return call.peer.requests.count - before
        }
        #expect(try restart { $0.options = ["ice2"] } >= 4)
        let stillAgreed = call.client.agent.canRenominate
        #expect(!stillAgreed)
        #expect(try restart { $0.pacingInterval = .milliseconds(200) } <= 3)
        #expect(call.client.role == .controlled)
        #expect(try restart { $0.isLite = true } > 0)
        #expect(call.client.role == .controlling)
        #expect(call.network.run(until: { call.nominated.count == 2 }, atMost: .seconds(5)))
    }
}
