import ICE
import ICETesting
import STUN
import Testing

@Suite("Statistics")
struct StatisticsTests {
    /// A call without loss between two hosts with one address each, 50 ms of round trip apart, until it is completed.
    static func call(configure: (inout ICEConfiguration) -> Void = { _ in }) -> SimulatedCall {
        let (network, a, b) = SimulatedCallTests.hosts(1)
        let call = SimulatedCall(network, a, b, configure: configure)
        _ = call.connect()
        _ = network.run(until: { call.isCompleted }, atMost: .seconds(5))
        network.run(for: .milliseconds(100))
        return call
    }

    @Test("A call without loss takes a check each way, a triggered one each, one to nominate, and their answers")
    func lossless() throws {
        let call = Self.call()
        let pairs = call.clients.map { $0.statistics().candidatePairs }
        #expect(pairs.map(\.count) == [1, 1])
        let (caller, callee) = (try #require(pairs[0].first), try #require(pairs[1].first))
        // The first checks crossed, so that each was followed by a triggered one (RFC 8445 §7.3.1.4).
        #expect(caller.requestsSent == 3)
        #expect(callee.requestsSent == 2)
        for (pair, other) in [(caller, callee), (callee, caller)] {
            #expect(pair.requestsReceived == other.requestsSent)
            #expect(pair.responsesSent == other.requestsSent)
            #expect(pair.responsesReceived == pair.requestsSent)
            #expect(pair.retransmissionsSent == 0)
            #expect(pair.consentRequestsSent == 0)
            #expect(pair.roundTripTimeMeasurements == pair.responsesReceived)
            let roundTrip = try #require(pair.currentRoundTripTime)
            #expect(abs(roundTrip - 0.1) < 0.002)
            #expect(abs(pair.totalRoundTripTime - 0.1 * Double(pair.requestsSent)) < 0.004)
            #expect(pair.state == .succeeded)
            #expect(pair.isNominated && pair.isSelected)
        }
    }

    @Test("Consent checks are counted apart, and their answers with the others")
    func consent() throws {
        let call = Self.call()
        call.network.run(for: .seconds(60))
        let pairs = try call.clients.map { try #require($0.statistics().candidatePairs.first) }
        for (pair, other) in [(pairs[0], pairs[1]), (pairs[1], pairs[0])] {
            #expect(10...15 ~= pair.consentRequestsSent)
            #expect(pair.responsesReceived == pair.requestsSent + pair.consentRequestsSent)
            #expect(pair.requestsReceived == other.requestsSent + other.consentRequestsSent)
            #expect(pair.roundTripTimeMeasurements == pair.responsesReceived)
        }
        #expect(pairs.map(\.requestsSent) == [3, 2])
    }

    @Test("What the network loses is sent again, and its answer tells no time")
    func loss() throws {
        let call = try ScriptedCall()
        var dropped = 0
        call.peer.answer = { peer, request, source in
            dropped += 1
            return dropped <= 2 ? nil : peer.success(to: request, mapped: source)
        }
        #expect(try call.connect())
        let pair = try #require(call.client.statistics().candidatePairs.first)
        #expect(pair.requestsSent == 2)
        #expect(pair.retransmissionsSent == 2)
        #expect(pair.responsesReceived == 2)
        // Only the nominating check went once.
        #expect(pair.roundTripTimeMeasurements == 1)
        #expect(call.peer.requests.count == 4)
    }

    @Test("Data is counted on the pair it went over, and in all")
    func data() throws {
        let call = Self.call()
        let before = call.caller.statistics().timestamp
        for _ in 0..<3 { try call.caller.send("12345") }
        call.network.run(for: .seconds(1))
        try call.callee.send("1234567")
        call.network.run(for: .seconds(1))
        let (sender, receiver) = (call.caller.statistics(), call.callee.statistics())
        let (from, to) = (try #require(sender.selectedPairs.first), try #require(receiver.selectedPairs.first))
        #expect([from.packetsSent, from.bytesSent, from.packetsReceived, from.bytesReceived] == [3, 15, 1, 7])
        #expect([to.packetsSent, to.bytesSent, to.packetsReceived, to.bytesReceived] == [1, 7, 3, 15])
        for statistics in [sender, receiver] {
            let pair = try #require(statistics.selectedPairs.first)
            #expect(statistics.transport.packetsSent == pair.packetsSent)
            #expect(statistics.transport.bytesReceived == pair.bytesReceived)
        }
        #expect(from.lastPacketSentTimestamp == before)
        #expect(abs(try #require(to.lastPacketReceivedTimestamp) - before - 50) < 2)
        #expect(abs(try #require(from.lastPacketReceivedTimestamp) - before - 1050) < 2)
        #expect(from.packetsDiscardedOnSend == 0)
    }

    @Test("What the system does not take is counted as discarded")
    func discarded() throws {
        let call = Self.call()
        #expect(throws: ICEError.self) { try call.caller.send([UInt8](repeating: 0, count: 70_000)) }
        let pair = try #require(call.caller.statistics().selectedPairs.first)
        #expect([pair.packetsDiscardedOnSend, pair.bytesDiscardedOnSend, pair.packetsSent] == [1, 70_000, 0])
        #expect(pair.lastPacketSentTimestamp == nil)
    }

    @Test("The pair in use goes on counting through a restart, beside the new generation's")
    func restart() throws {
        let call = Self.call()
        try call.caller.send("before")
        call.network.run(for: .seconds(10))
        let before = try #require(call.caller.statistics().selectedPairs.first)
        call.caller.restart()
        try call.caller.send("meanwhile")
        call.network.run(for: .seconds(10))
        let between = call.caller.statistics()
        let old = try #require(between.selectedPairs.first)
        #expect(between.candidatePairs.map(\.id) == [before.id])
        #expect(old.consentRequestsSent > before.consentRequestsSent)
        #expect(old.responsesReceived == old.requestsSent + old.consentRequestsSent)
        #expect(old.requestsReceived > before.requestsReceived)
        #expect(old.packetsSent == 2)
        // The peer follows, and both end on new pairs.
        call.callee.restart()
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
        for candidate in call.caller.localCandidates { call.callee.addRemoteCandidate(candidate) }
        call.callee.addRemoteCandidate(nil as Candidate?)
        let isCompleted = call.network.run(until: { call.isCompleted }, atMost: .seconds(10))
        #expect(isCompleted)
        try call.caller.send("after")
        let after = call.caller.statistics()
        let new = try #require(after.selectedPairs.first)
        #expect(new.id != before.id)
        #expect(after.candidatePairs.count == 1)
        #expect(after.transport.selectedCandidatePairChanges == 2)
        // Between the same addresses, and yet another pair.
        #expect(new.remoteCandidateID == before.remoteCandidateID)
        #expect(new.packetsSent == 1)
        #expect(after.transport.packetsSent == 3)
    }

    @Test("Everything is still known after the end")
    func closed() throws {
        let call = Self.call()
        try call.caller.send("one")
        call.network.run(for: .seconds(1))
        let before = call.callee.statistics()
        for client in call.clients { client.close() }
        let after = call.callee.statistics()
        #expect(after.candidatePairs.map(\.packetsReceived) == [1])
        #expect(after.candidatePairs == before.candidatePairs)
        #expect(after.transport.state == .closed)
        #expect(after.transport.selectedCandidatePairChanges == before.transport.selectedCandidatePairChanges)
        #expect(call.caller.statistics().candidatePairs.map(\.packetsSent) == [1])
    }

    @Test("A pair that is lost and its successor are two changes")
    func changes() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        #expect(call.client.statistics().transport.selectedCandidatePairChanges == 1)
        call.peer.answer = { _, _, _ in nil }
        #expect(call.network.run(until: { call.client.state == .failed }, atMost: .seconds(60)))
        let transport = call.client.statistics().transport
        #expect(transport.selectedCandidatePairChanges == 2)
        #expect(transport.selectedCandidatePairID == nil)
        #expect(call.client.statistics().candidatePairs.map(\.state) == [.failed])
    }

    @Test("Candidates tell how they were obtained, and from which server")
    func candidates() throws {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10?transport=tcp", "stun:192.0.2.10"])
        let (a, b) = RelayTests.hosts(scene.network, RelayTests.far)
        let call = SimulatedCall(scene.network, a, b) { $0.servers = [scene.urls] }
        #expect(call.connect(atMost: .seconds(10)))
        let (caller, callee) = (call.caller.statistics(), call.callee.statistics())
        let host = try #require(caller.localCandidates.first { $0.kind == .host })
        let reflexive = try #require(caller.localCandidates.first { $0.kind == .serverReflexive })
        let relayed = try #require(caller.localCandidates.first { $0.kind == .relayed })
        #expect(host.url == nil && host.relayProtocol == nil && host.relatedAddress == nil)
        #expect(reflexive.url == "stun:192.0.2.10")
        #expect(reflexive.relayProtocol == nil)
        #expect(reflexive.relatedAddress == host.address)
        #expect(reflexive.relatedPort == host.port)
        #expect(relayed.url == "turn:192.0.2.10?transport=tcp")
        #expect(relayed.relayProtocol == "tcp")
        for candidate in [host, reflexive, relayed] {
            #expect(candidate.usernameFragment == call.caller.localParameters.usernameFragment)
            let seen = try #require(
                callee.remoteCandidates.first { $0.address == candidate.address && $0.port == candidate.port })
            #expect(seen.kind == candidate.kind)
            #expect(seen.priority == candidate.priority)
            #expect(seen.foundation == candidate.foundation)
            #expect(seen.usernameFragment == candidate.usernameFragment)
            #expect(seen.url == nil && seen.relayProtocol == nil)
        }
    }

    @Test("Every pair refers to a local and a remote candidate, and no two things have the same name")
    func names() throws {
        let scene = try RelayTests.scene()
        let (a, b) = RelayTests.hosts(scene.network, RelayTests.far)
        let call = SimulatedCall(scene.network, a, b) { $0.servers = [scene.urls] }
        call.start()
        for _ in 0..<40 {
            scene.network.run(for: .milliseconds(50))
            for statistics in call.clients.map({ $0.statistics() }) {
                let (locals, remotes) = (statistics.localCandidates.map(\.id), statistics.remoteCandidates.map(\.id))
                for pair in statistics.candidatePairs {
                    #expect(locals.contains(pair.localCandidateID), "\(pair.localCandidateID) of \(locals)")
                    #expect(remotes.contains(pair.remoteCandidateID), "\(pair.remoteCandidateID) of \(remotes)")
                }
                let names = locals + remotes + statistics.candidatePairs.map(\.id)
                #expect(Set(names).count == names.count)
            }
        }
        #expect(call.caller.statistics().candidatePairs.count >= 1)
    }
}
