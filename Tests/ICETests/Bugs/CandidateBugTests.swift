import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("H, C3, D1, D2: candidates and their ends that once went wrong")
struct CandidateBugTests {
    private static let second = StreamID(1)

    // MARK: Local candidates

    @Test(
        "C3.4: a rewritten candidate's pair works where the peer sees the real address after all",
        arguments: [Role.controlling, .controlled])
    func rewritten(_ role: Role) throws {
        let call = try ScriptedCall(role: role, addresses: ["10.0.0.5"])
        call.client.rewriteLocalCandidate = { candidate in
            var candidate = candidate
            candidate.address = TransportAddress("203.0.113.7", port: candidate.address.port)
            return candidate
        }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.milliseconds(100))
        if role == .controlled {
            let check = call.peer.check(for: call.client.localParameters) {
                ($0.role, $0.nominates) = (.controlling, true)
            }
            call.peer.send(check.bytes, to: try #require(call.peer.lastSource))
        }
        call.run(.seconds(1))
        #expect(call.client.state == .completed)
        #expect(call.nominated.map(\.local.address.ip) == ["203.0.113.7"])
        let statistics = call.client.statistics()
        #expect(statistics.candidatePairs.map(\.state) == [.succeeded])
        #expect(statistics.localCandidates.map(\.address) == ["203.0.113.7"])
        try call.client.send("x")
        call.run(.milliseconds(20))
        #expect(call.peer.data == [Array("x".utf8)])
    }

    /// Answers as if a NAT gave every request another mapping.
    private static func answerWithEverOtherAddresses(_ peers: [ScriptedPeer]) {
        var port: UInt16 = 1024
        for peer in peers {
            peer.answer = { peer, request, _ in
                port += 1
                return peer.success(to: request, mapped: TransportAddress("203.0.113.9", port: port))
            }
        }
    }

    private func learnedCount(_ call: ScriptedCall) -> Int {
        call.client.statistics().localCandidates.count { $0.kind == .peerReflexive }
    }

    @Test("C3.4: backups whose every answer shows another address teach no more than 16 in an hour")
    func learnedOfBackups() throws {
        let call = try ScriptedCall()
        let other = try NominationBugTests.second(call)
        Self.answerWithEverOtherAddresses([call.peer, other])
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(other.candidate(foundation: "2", priority: 1000))
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(3600))
        #expect(other.requests.count > 200)
        #expect(learnedCount(call) == 16)
        #expect(call.client.state == .completed)
    }

    @Test("C3.4: no more than 16 addresses are learned by many pairs, and the pairs over that can be used as well")
    func learnedByPairs() throws {
        let call = try ScriptedCall(role: .controlled)
        let peers = try (7001..<7041).map { try NominationBugTests.second(call, port: $0) }
        Self.answerWithEverOtherAddresses(peers)
        try call.start()
        for (number, peer) in peers.enumerated() {
            call.client.addRemoteCandidate(peer.candidate(foundation: "\(number)", priority: UInt32(9000 - number)))
        }
        call.run(.seconds(10))
        #expect(call.client.statistics().candidatePairs.count { $0.state == .succeeded } == peers.count)
        #expect(learnedCount(call) == 16)
        let last = try #require(peers.last)
        last.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlling, true) }
        call.run(.seconds(1))
        #expect(call.nominated.map(\.remote.address) == [last.address])
        try call.client.send("x")
        call.run(.milliseconds(20))
        #expect(last.data.count == 1)
    }

    // MARK: Remote candidates

    @Test("D1.3: a learned candidate that is signalled as a relayed one makes the pair in use a relayed one")
    func mergedWithRelay() throws {
        let call = try ScriptedCall()
        try call.start()
        call.peer.sendCheck(to: call.client)
        call.run(.seconds(1))
        #expect(call.client.selectedPair()?.remote.kind == .peerReflexive)
        #expect(call.client.selectedPair()?.isRelayed == false)
        call.client.addRemoteCandidate(call.peer.candidate(.relayed))
        #expect(call.client.selectedPair()?.remote.kind == .relayed)
        #expect(call.client.selectedPair()?.isRelayed == true)
        #expect(call.client.candidatePairs.count == 1)
    }

    /// Two streams, each towards a peer with credentials of its own.
    private final class TwoPeers {
        let network = SimulatedNetwork(seed: 12)
        let client: ICEClient
        let peers: [ScriptedPeer]

        init() throws {
            let (network, host) = (network, network.makeHost("peer", addresses: ["198.51.100.1"]))
            client = ICEClient(on: network.makeHost("client", addresses: ["192.0.2.1"]))
            peers = try zip(["peer", "other"], [7000, 7001] as [UInt16]).map { name, port in
                try ScriptedPeer(network, host, at: TransportAddress("198.51.100.1", port: port), name: name)
            }
            for _ in peers { try client.addStream() }
            client.gatherCandidates()
            client.processCandidates()
            network.run(for: .milliseconds(1))
        }

        func candidate(_ stream: Int) -> Candidate {
            var candidate = peers[stream].candidate()
            candidate.stream = StreamID(stream)
            return candidate
        }

        var isCompleted: Bool { network.run(until: { self.client.state == .completed }, atMost: .seconds(5)) }
    }

    @Test("D3.1, D2.7: a stream's own fragment names its candidates and its end; the session's does not")
    func signalledOfOwnCredentials() throws {
        let call = try TwoPeers()
        try call.client.setRemoteParameters(
            call.peers[0].parameters, streams: [Self.second: call.peers[1].parameters])
        func signalled(_ stream: Int, _ fragment: String) -> SignalledCandidate {
            SignalledCandidate(
                candidate: call.candidate(stream).description, sdpMid: "\(stream)", sdpMLineIndex: UInt16(stream),
                usernameFragment: fragment)
        }
        for (stream, fragment) in [(0, "other"), (1, "peer")] {
            #expect {
                try call.client.addRemoteCandidate(signalled(stream, fragment))
            } throws: {
                ($0 as? ICEError)?.code == .unknownGeneration
            }
            #expect(throws: ICEError.self) {
                try call.client.addRemoteCandidate(
                    .endOfCandidates(sdpMLineIndex: UInt16(stream), usernameFragment: fragment))
            }
        }
        for (stream, fragment) in [(0, "peer"), (1, "other")] {
            try call.client.addRemoteCandidate(signalled(stream, fragment))
            try call.client.addRemoteCandidate(
                .endOfCandidates(sdpMLineIndex: UInt16(stream), usernameFragment: fragment))
        }
        #expect(call.isCompleted)
        #expect(call.client.statistics().ignoredCandidates == 0)
    }

    @Test(
        "D1.9, D2.7: a=end-of-candidates ends streams with credentials of their own, of each m-line or of the session",
        arguments: [false, true])
    func endOfOwnCredentials(_ isForSession: Bool) throws {
        let call = try TwoPeers()
        var description = SessionDescription(
            parameters: call.peers[0].parameters, media: call.client.localDescription.media)
        description.media[1].usernameFragment = call.peers[1].parameters.usernameFragment
        description.media[1].password = call.peers[1].parameters.password
        description.endOfCandidates = isForSession
        for stream in 0..<2 {
            description.media[stream].candidates = [call.candidate(stream)]
            description.media[stream].endOfCandidates = !isForSession
        }
        try call.client.setRemoteDescription(description.description)
        #expect(call.isCompleted)
        for stream in 0..<2 {
            var late = call.candidate(stream)
            late.address = TransportAddress("198.51.100.1", port: 7009)
            call.client.addRemoteCandidate(late)
        }
        #expect(call.client.remoteCandidates.count == 2)
        #expect(call.client.statistics().ignoredCandidates == 2)
    }

    @Test(
        "D1.6, D1.9: an empty line ends the stream that it is for, and without one it ends all",
        arguments: [nil, 0, 1])
    func emptyLine(_ stream: Int?) throws {
        let call = try TwoPeers()
        try call.client.setRemoteParameters(call.peers[0].parameters)
        try call.client.addRemoteCandidate("", stream: stream.map { StreamID($0) })
        for index in 0..<2 { call.client.addRemoteCandidate(call.candidate(index)) }
        #expect(call.client.remoteCandidates.map(\.stream.index) == [0, 1].filter { stream != nil && $0 != stream })
    }
}
