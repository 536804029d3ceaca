import Foundation
import ICETesting
import STUN
import Testing

@testable import ICE
@testable import ICECore

@Suite("The trace of a call")
struct TraceTests {
    /// A scripted call whose trace is kept.
    static func traced(
        role: Role = .controlling, configure: (inout ICEConfiguration) -> Void = { _ in }
    ) throws -> (ScriptedCall, Recorder) {
        let call = try ScriptedCall(role: role, configure: configure)
        return (call, Recorder(call.client))
    }

    /// Keeps the events of a client, and those of the application among them as it hears them.
    final class Recorder {
        private(set) var events: [ICETraceEvent] = []

        init(_ client: ICEClient) {
            client.onTrace = { [weak self] in self?.events.append($0) }
        }

        func all(_ kind: ICETraceEvent.Kind) -> [ICETraceEvent] { events.filter { $0.kind == kind } }

        /// The events as they would be saved.
        func lines() throws -> [String] {
            try events.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
        }
    }

    @Test("A candidate that is not used is told with the reason")
    func ignored() throws {
        let (call, recorder) = try Self.traced()
        try call.start()
        let own = call.peer.parameters.usernameFragment
        for line in [
            "candidate:1 1 tcp 1 198.51.100.1 9 typ host tcptype active", "candidate:1 1 udp 1 0.0.0.0 5 typ host",
            "candidate:1 2 udp 1 198.51.100.1 5 typ host",
            "candidate:1 1 udp 1 198.51.100.1 5 typ host ufrag other",
            "candidate:1 1 udp 1 198.51.100.1 5 typ host ufrag \(own)",
            "candidate:1 1 udp 1 198.51.100.1 5 typ host",
            "candidate:1 1 udp 1 5e1c2f6e-8c1b-4b1a-9a53-0f3c2f6a1d11.local 5 typ host",
        ] {
            try call.client.addRemoteCandidate(line)
        }
        call.client.addRemoteCandidate(nil)
        try call.client.addRemoteCandidate("candidate:1 1 udp 1 198.51.100.2 5 typ host")
        call.run(.milliseconds(1))
        #expect(
            recorder.all(.remoteCandidateIgnored).map(\.reason) == [
                "transport", "address", "component", "generation", "duplicate", "name", "late",
            ])
    }

    @Test("A whole call is told in the order in which it happened")
    func wholeCall() throws {
        let (call, recorder) = try Self.traced()
        #expect(try call.connect())
        call.client.close()
        call.run(.milliseconds(1))
        let told = recorder.events.map { event in
            [event.kind.description, event.state, event.purpose, event.reason].compactMap { $0 }.joined(separator: " ")
        }
        #expect(
            told == [
                "gathering-started", "local-candidate", "gathering-complete", "remote-parameters",
                "remote-candidate signalled", "pair-formed waiting", "pair-state in-progress started",
                "check-sent connectivity", "state-change checking", "end-of-candidates",
                "response-received connectivity", "pair-state succeeded answered", "selected",
                "check-sent nomination", "state-change connected", "response-received nomination", "nominated",
                "state-change completed", "closed closed",
            ])
        #expect(recorder.events.map(\.time) == recorder.events.map(\.time).sorted())
        let pairs = Set(recorder.events.compactMap(\.pairID))
        #expect(pairs == Set(call.client.statistics().candidatePairs.map(\.id)))
        let candidates = Set(recorder.events.compactMap(\.candidateID))
        let statistics = call.client.statistics()
        #expect(candidates == Set((statistics.localCandidates + statistics.remoteCandidates).map(\.id)))
        let formed = try #require(recorder.all(.pairFormed).first)
        #expect([formed.localCandidateID, formed.remoteCandidateID].allSatisfy { candidates.contains($0 ?? "") })
    }

    @Test("A check and its answer are tied by their transaction, 20 ms apart")
    func transactions() throws {
        let (call, recorder) = try Self.traced()
        #expect(try call.connect())
        let (sent, answered) = (recorder.all(.checkSent), recorder.all(.responseReceived))
        #expect(sent.map(\.transactionID) == answered.map(\.transactionID))
        #expect(sent.map(\.transactionID) == call.peer.requests.map(\.transactionID.description))
        #expect(sent.map(\.usesCandidate) == [false, true])
        #expect(answered.map(\.roundTripTime) == [.milliseconds(20), .milliseconds(20)])
        #expect(zip(sent, answered).allSatisfy { $1.time - $0.time == .milliseconds(20) })
        #expect(answered.allSatisfy { $0.code == nil && $0.source == call.peer.address })
    }

    @Test("Checks of the peer, their answers, and what they show are told")
    func received() throws {
        let (call, recorder) = try Self.traced(role: .controlled)
        try call.start()
        let accepted = call.peer.sendCheck(to: call.client) {
            $0.role = .controlling
            $0.nominates = true
        }
        let refused = call.peer.sendCheck(to: call.client) { $0.password = "anotherPasswordThanTheClients" }
        call.run(.milliseconds(100))
        let check = try #require(recorder.all(.checkReceived).first)
        #expect(recorder.all(.checkReceived).count == 1)
        #expect(check.source == call.peer.address)
        #expect(check.transactionID == accepted.transactionID.description)
        #expect(check.usesCandidate == true)
        #expect(check.role == .controlling)
        let answers = recorder.all(.responseSent)
        #expect(
            answers.map(\.transactionID) == [accepted.transactionID.description, refused.transactionID.description])
        #expect(answers.map(\.code) == [nil, 401])
        // The first check shows the pair, the second goes over it.
        let pair = try #require(recorder.all(.pairFormed).first)
        #expect(check.pairID == nil && check.localCandidateID == pair.localCandidateID)
        #expect(answers.map(\.pairID) == [nil, pair.pairID])
        let learned = try #require(recorder.all(.remoteCandidate).first)
        #expect(learned.reason == "learned")
        #expect(learned.candidate?.kind == .peerReflexive)
        #expect(recorder.all(.pairFormed).first?.remoteCandidateID == learned.candidateID)
        #expect(recorder.all(.pairFormed).first?.pairID == recorder.all(.nominated).first?.pairID)
        let order = recorder.events.map(\.kind)
        let indices = [.checkReceived, .responseSent, .remoteCandidate, .pairFormed, .nominated].map {
            (kind: ICETraceEvent.Kind) in order.firstIndex(of: kind) ?? -1
        }
        #expect(indices == indices.sorted() && indices[0] >= 0)
        // Signalled after all, it keeps its name.
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.milliseconds(1))
        #expect(recorder.all(.remoteCandidate).map(\.reason) == ["learned", "merged"])
        #expect(recorder.all(.remoteCandidate).last?.candidateID == learned.candidateID)
    }

    @Test("Repetitions are numbered, and a pair that fails says why")
    func failure() throws {
        let (call, recorder) = try Self.traced { $0.patienceInterval = .seconds(1) }
        call.peer.answer = { _, _, _ in nil }
        #expect(try !call.connect())
        #expect(call.network.run(until: { call.client.state == .failed }, atMost: .seconds(60)))
        call.run(.milliseconds(1))
        let sent = recorder.all(.checkSent)
        #expect(sent.map(\.retransmission) == Array(0..<call.peer.requests.count))
        #expect(Set(sent.map(\.transactionID)).count == 1)
        let failed = try #require(recorder.all(.pairState).last)
        #expect(failed.state == "failed")
        #expect(failed.reason == "timeout")
        #expect(failed.message?.contains("\(call.peer.address)") == true)
        #expect(recorder.all(.stateChange).last?.state == "failed")
        #expect(recorder.all(.stateChange).last?.reason == "checksFailed")
    }

    @Test("An error that the peer answers with, and a change of role, are told")
    func roleConflict() throws {
        let (call, recorder) = try Self.traced()
        call.peer.answer = { peer, request, source in
            peer.requests.count == 1 ? peer.failure(to: request, 487) : peer.success(to: request, mapped: source)
        }
        _ = try call.connect()
        #expect(recorder.all(.responseReceived).first?.code == 487)
        #expect(recorder.all(.roleChange).map(\.role) == [.controlled])
        let states = recorder.all(.pairState).map { "\($0.state ?? "") \($0.reason ?? "")" }
        #expect(
            states == [
                "in-progress started", "waiting triggered", "in-progress started", "succeeded answered",
            ])
    }

    @Test("Answers that can't be believed are told, for checks and for consent checks")
    func disregarded() throws {
        let (call, recorder) = try Self.traced()
        let honest = call.peer.answer
        // As RFC 8489 §9.1.3 has it, nothing signs an answer to a request with a wrong password.
        let refusal = { (_: ScriptedPeer, request: STUNMessage, _: TransportAddress) -> STUNMessage? in
            var response = STUNMessage(.failure, .binding, transactionID: request.transactionID)
            response.append(STUNMessage.ErrorCode(code: 401, reason: "Unauthenticated"))
            response.appendFingerprint()
            return response
        }
        call.peer.answer = refusal
        #expect(try !call.connect())
        let refused = recorder.all(.responseDisregarded)
        #expect(refused.count == recorder.all(.checkSent).count)
        #expect(refused.allSatisfy { $0.code == 401 && $0.purpose == "connectivity" && $0.source == call.peer.address })
        #expect(Set(refused.map(\.pairID)) == Set(recorder.all(.pairFormed).map(\.pairID)))
        #expect(recorder.all(.responseReceived).isEmpty)

        call.peer.answer = honest
        #expect(call.network.run(until: { call.client.state == .completed }, atMost: .seconds(60)))
        call.peer.answer = refusal
        call.run(.seconds(15))
        let sent = recorder.all(.checkSent).filter { $0.purpose == "consent" }.map(\.transactionID)
        let last = recorder.all(.responseDisregarded).filter { $0.purpose == "consent" }
        #expect(!last.isEmpty && last.allSatisfy { $0.code == 401 && sent.contains($0.transactionID) })
        #expect(last.first?.pairID == recorder.all(.selected).first?.pairID)
    }

    @Test("Consent checks and the loss of consent are told")
    func consent() throws {
        let (call, recorder) = try Self.traced()
        #expect(try call.connect())
        call.run(.seconds(20))
        let before = recorder.all(.checkSent).filter { $0.purpose == "consent" }
        #expect(3...5 ~= before.count)
        #expect(recorder.all(.responseReceived).filter { $0.purpose == "consent" }.count == before.count)
        call.peer.answer = { _, _, _ in nil }
        #expect(call.network.run(until: { call.client.state == .failed }, atMost: .seconds(60)))
        call.run(.milliseconds(1))
        let lost = try #require(recorder.all(.consentLost).first)
        #expect(lost.pairID == recorder.all(.selected).first?.pairID)
        #expect(recorder.all(.pairState).last?.reason == "consentExpired")
    }

    @Test("A restart begins a generation with pairs of its own names")
    func restart() throws {
        let (call, recorder) = try Self.traced()
        #expect(try call.connect())
        call.client.restart()
        try call.client.setRemoteParameters(call.peer.parameters)
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(1))
        let restart = try #require(recorder.all(.restart).first)
        #expect(restart.generation == 1)
        #expect(restart.usernameFragment == call.client.localParameters.usernameFragment)
        let formed = recorder.all(.pairFormed)
        #expect(formed.map(\.generation) == [0, 1])
        #expect(Set(formed.map(\.pairID)).count == 2)
        #expect(recorder.all(.gatheringStarted).map(\.generation) == [0, 1])
        #expect(recorder.all(.selected).map(\.pairID) == formed.map(\.pairID))
    }

    @Test("Saved lines are flat objects with a time, and hold no password", arguments: [Role.controlling, .controlled])
    func lines(_ role: Role) throws {
        let scene = try RelayTests.scene()
        let (a, b) = RelayTests.hosts(scene.network, RelayTests.far)
        let call = SimulatedCall(scene.network, a, b, roles: [role, .controlling]) { $0.servers = [scene.urls] }
        let recorders = call.clients.map(Recorder.init)
        var passwords = call.clients.map(\.localParameters.password) + ["secret"]
        #expect(call.connect(atMost: .seconds(10)))
        #expect(call.talk())
        for client in call.clients { client.restart() }
        passwords += call.clients.map(\.localParameters.password)
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
        scene.network.run(for: .seconds(10))
        call.close()
        scene.network.run(for: .seconds(1))
        for recorder in recorders {
            let lines = try recorder.lines()
            #expect(lines.count > 50)
            for (line, event) in zip(lines, recorder.events) {
                for password in passwords { #expect(!line.contains(password) && !"\(event)".contains(password)) }
                let object = try #require(
                    try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                #expect(object["time"] as? Double == event.time.milliseconds)
                #expect(object["event"] as? String == event.kind.description)
                #expect(object.values.allSatisfy { !($0 is [Any]) && !($0 is [String: Any]) })
            }
            let fragments = recorder.all(.remoteParameters).compactMap(\.usernameFragment)
            #expect(Set(fragments).count == 2)
            #expect(recorder.events.last?.kind == .closed)
        }
    }

    @Test("A pair's checks can be followed through to its end: every pair that was formed has an end")
    func everyPair() throws {
        let scene = try RelayTests.scene()
        let (a, b) = RelayTests.hosts(scene.network, RelayTests.far)
        let call = SimulatedCall(scene.network, a, b) { $0.servers = [scene.urls] }
        let recorder = Recorder(call.caller)
        #expect(call.connect(atMost: .seconds(10)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(60)))
        scene.network.run(for: .milliseconds(1))
        let formed = recorder.all(.pairFormed).compactMap(\.pairID)
        #expect(Set(formed).count == formed.count && formed.count > 1)
        let removed = Set(recorder.all(.pairRemoved).compactMap(\.pairID))
        let standing = Set(call.caller.statistics().candidatePairs.map(\.id))
        #expect(removed.union(standing) == Set(formed))
        #expect(removed.isDisjoint(with: standing))
        for pair in call.caller.statistics().candidatePairs {
            let last = recorder.events.last {
                $0.pairID == pair.id && ($0.kind == .pairState || $0.kind == .pairFormed)
            }
            #expect(last?.state == pair.state.rawValue)
        }
    }

    @Test("Nothing is noted while nobody listens")
    func off() throws {
        func packets(traced: Bool) throws -> ([String], [ICETraceEvent]) {
            let call = try ScriptedCall()
            var events: [ICETraceEvent] = []
            if traced { call.client.onTrace = { events.append($0) } }
            call.network.isTracing = true
            #expect(try call.connect())
            call.client.onTrace = nil
            call.run(.seconds(30))
            return (call.network.trace.map { "\($0)" }, events)
        }
        let (silent, none) = try packets(traced: false)
        let (observed, events) = try packets(traced: true)
        #expect(none.isEmpty && !events.isEmpty)
        // Whoever listens changes nothing of what happens.
        #expect(silent == observed)
        #expect(!events.contains { $0.purpose == "consent" })
    }

    @Test("An event is not even made while nobody listens")
    func lazy() throws {
        let call = try ScriptedCall()
        var made = 0
        func event() -> ICETraceEvent {
            made += 1
            return .closed
        }
        call.client.agent.trace(event())
        #expect(made == 0)
        #expect(call.client.agent.nextEffect() == nil)
        call.client.agent.isTracing = true
        call.client.agent.trace(event())
        #expect(made == 1)
        #expect(call.client.agent.nextEffect() != nil)
    }

    @Test("After close() the rest comes on the next turn, and nothing else")
    func closing() throws {
        let (call, recorder) = try Self.traced()
        #expect(try call.connect())
        let count = recorder.events.count
        call.client.restart()
        call.client.close()
        #expect(recorder.events.count == count)
        call.run(.milliseconds(1))
        #expect(recorder.events.map(\.kind)[count...].first == .restart)
        #expect(recorder.events.last?.kind == .closed)
        let end = recorder.events.count
        call.run(.seconds(60))
        #expect(recorder.events.count == end)
    }
}
