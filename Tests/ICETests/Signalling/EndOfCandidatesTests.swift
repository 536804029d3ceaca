import ICE
import ICETesting
import Testing

@Suite("D1.6, D1.9: the end of candidates, of streams and of generations")
struct EndOfCandidatesTests {
    /// A call with two streams towards a scripted peer that answers on both.
    private func twoStreams() throws -> ScriptedCall {
        let call = try ScriptedCall()
        for _ in 0..<2 { try call.client.addStream() }
        try call.start()
        return call
    }

    private func candidate(of call: ScriptedCall, stream: Int, port: UInt16? = nil) -> Candidate {
        var candidate = call.peer.candidate()
        candidate.stream = StreamID(stream)
        if let port { candidate.address = TransportAddress(candidate.address.ip, port: port) }
        return candidate
    }

    @Test("D1.6, D1.9: an end of one stream closes that stream alone")
    func oneStream() throws {
        let call = try twoStreams()
        try call.client.addRemoteCandidate(.endOfCandidates(sdpMLineIndex: 0))
        call.client.addRemoteCandidate(candidate(of: call, stream: 0))
        call.client.addRemoteCandidate(candidate(of: call, stream: 1))
        #expect(call.client.remoteCandidates.map(\.stream.index) == [1])
        #expect(call.client.statistics().ignoredCandidates == 1)
    }

    @Test("D1.6: the call is completed once every stream has its end")
    func completion() throws {
        let call = try twoStreams()
        for stream in 0..<2 { call.client.addRemoteCandidate(candidate(of: call, stream: stream)) }
        try call.client.addRemoteCandidate(.endOfCandidates(sdpMid: "1", usernameFragment: "peer"))
        call.run(.seconds(3))
        #expect(call.client.state == .connected)
        try call.client.addRemoteCandidate(.endOfCandidates(sdpMid: "0", usernameFragment: "peer"))
        #expect(call.client.state == .completed)
    }

    @Test("D1.9, D3.2: an end that names no stream covers all")
    func allStreams() throws {
        let call = try twoStreams()
        for stream in 0..<2 { call.client.addRemoteCandidate(candidate(of: call, stream: stream)) }
        try call.client.addRemoteCandidate(.endOfCandidates())
        call.run(.seconds(3))
        #expect(call.client.state == .completed)
        call.client.addRemoteCandidate(candidate(of: call, stream: 1, port: 7001))
        #expect(call.client.statistics().ignoredCandidates == 1)
    }

    @Test("D1.9: a=end-of-candidates covers its own m-line, at session level every one", arguments: [false, true])
    func inDescription(_ isForSession: Bool) throws {
        let call = try ScriptedCall()
        for _ in 0..<2 { try call.client.addStream() }
        var description = SessionDescription(parameters: call.peer.parameters, componentCounts: [1, 1])
        for index in 0..<2 { description.media[index].candidates = [candidate(of: call, stream: index)] }
        description.endOfCandidates = isForSession
        description.media[0].endOfCandidates = !isForSession
        try call.start(withCredentials: false)
        try call.client.setRemoteDescription(description.description)
        call.run(.seconds(3))
        #expect(call.client.state == (isForSession ? .completed : .connected))
        for stream in 0..<2 { call.client.addRemoteCandidate(candidate(of: call, stream: stream, port: 7001)) }
        #expect(call.client.statistics().ignoredCandidates == (isForSession ? 2 : 1))
    }

    @Test("D1.6, D1.7: an end that came early counts for the generation it names alone", arguments: ["peer", "before"])
    func earlyEnd(_ named: String) throws {
        let call = try ScriptedCall()
        try call.start(withCredentials: false)
        try call.client.addRemoteCandidate(.endOfCandidates(usernameFragment: named))
        var early = call.peer.candidate()
        early.attributes = [Candidate.Attribute(name: "ufrag", value: "peer")]
        call.client.addRemoteCandidate(early)
        #expect(call.client.remoteCandidates.isEmpty == (named == "peer"))
        try call.client.setRemoteParameters(call.peer.parameters)
        call.client.addRemoteCandidate(candidate(of: call, stream: 0, port: 7001))
        #expect(call.client.statistics().ignoredCandidates == (named == "peer" ? 2 : 0))
    }

    @Test("D1.6: a restart opens the streams again")
    func restart() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.client.restart()
        call.run(.milliseconds(1))
        let second = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7002", name: "again")
        try call.client.setRemoteParameters(second.parameters)
        call.client.addRemoteCandidate(second.candidate())
        #expect(call.client.remoteCandidates.map(\.address) == [second.address])
        call.run(.seconds(3))
        #expect(call.client.state == .connected)
        try call.client.addRemoteCandidate(.endOfCandidates(usernameFragment: "again"))
        #expect(call.client.state == .completed)
    }

    @Test("D1.7: the same candidate again, under another foundation and priority, changes nothing")
    func duplicates() throws {
        let call = try ScriptedCall()
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        let before = call.client.candidatePairs
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(call.peer.candidate(.serverReflexive, foundation: "9", priority: 1))
        #expect(call.client.candidatePairs.map(\.remote) == before.map(\.remote))
        #expect(call.client.remoteCandidates.count == 1)
        #expect(call.client.statistics().ignoredCandidates == 0)
    }

    @Test("D1.8: half trickle: a peer that does not trickle gets one whole description, and answers with one")
    func halfTrickle() throws {
        let (network, a, b) = SimulatedCallTests.hosts(32)
        let call = SimulatedCall(network, a, b)
        for client in call.clients { client.onCandidate = nil }
        try call.caller.setLocalDescription()
        network.run(for: .milliseconds(1))
        let offer = call.caller.localDescription
        #expect(call.caller.gatheringState == .complete)
        #expect(offer.media.allSatisfy { $0.candidates.count == 1 })
        #expect(offer.description.contains("a=end-of-candidates"))
        #expect(offer.description.contains("trickle"))
        try call.callee.setRemoteDescription(offer.description)
        try call.callee.setLocalDescription()
        network.run(for: .milliseconds(1))
        // A peer that does not trickle names neither the option nor an end.
        let answer = call.callee.localDescription.description.split(whereSeparator: \.isNewline)
            .filter { !$0.hasPrefix("a=end-of-candidates") && !$0.hasPrefix("a=ice-options") }
            .joined(separator: "\r\n")
        try call.caller.setRemoteDescription(answer + "\r\n")
        for client in call.clients { client.processCandidates() }
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
    }
}
