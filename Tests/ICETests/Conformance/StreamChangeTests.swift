import STUN
import Testing

@testable import ICE
@testable import ICETesting

@Suite("Streams and components that come and go during a call")
struct StreamChangeTests {
    static let second = StreamID(1)

    /// A call of one-component streams, or others, that has completed.
    func call(streams: Int = 1, components: Int = 1) throws -> SimulatedCall {
        let (network, a, b) = SimulatedCallTests.hosts(12)
        let call = SimulatedCall(network, a, b)
        for client in call.clients { for _ in 0..<streams { try client.addStream(components: components) } }
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        network.run(for: .milliseconds(1))
        return call
    }

    func openPorts(_ call: SimulatedCall) -> [Int] {
        call.network.hosts.map { $0.datagramPorts.values.joined().count }
    }

    /// Both send, every 20 ms, on the first stream.
    func converse(_ call: SimulatedCall, for span: Duration) throws {
        let end = call.network.now + span
        while call.network.now < end {
            for client in call.clients { try client.send("x") }
            call.network.run(for: .milliseconds(20))
        }
    }

    // MARK: Components

    @Test("Folded to one component, a stream gives back the other's sockets, candidates and pairs, and goes on")
    func fold() throws {
        let call = try call(components: 2)
        #expect(openPorts(call) == [2, 2])
        let path = StreamComponent(stream: StreamID(0), component: .rtcp)
        for client in call.clients { client.removeComponent(path) }
        #expect(openPorts(call) == [1, 1])
        for client in call.clients {
            #expect(client.selectedPair(of: path) == nil)
            #expect(!client.localCandidates.contains { $0.path == path })
            #expect(!client.remoteCandidates.contains { $0.path == path })
            #expect(!client.candidatePairs.contains { $0.path == path })
            #expect(throws: ICEError.self) { try client.send("x", on: path) }
        }
        call.network.run(for: .seconds(60))
        #expect(call.isCompleted)
        #expect(call.states.allSatisfy { $0 == [.checking, .connected, .completed] })
        #expect(call.talk())
    }

    @Test("The state waits no longer for a component that is gone")
    func foldBeforeItWorks() throws {
        let (network, a, b) = SimulatedCallTests.hosts(12)
        let call = SimulatedCall(network, a, b)
        for client in call.clients { try client.addStream(components: 2) }
        var blocked: Set<UInt16> = []
        network.interceptor = { blocked.contains($0.source.port) ? .drop : .pass }
        call.start()
        network.run(for: .milliseconds(1))
        for client in call.clients {
            blocked.formUnion(client.localCandidates.filter { $0.component == .rtcp }.map(\.address.port))
        }
        network.run(for: .seconds(5))
        #expect(call.clients.allSatisfy { $0.state == .checking && $0.selectedPair() != nil })
        for client in call.clients {
            client.removeComponent(StreamComponent(stream: StreamID(0), component: .rtcp))
        }
        #expect(call.isCompleted)
    }

    @Test(
        "The relay of a component that is gone is freed at once, one that is being made as well", arguments: [5, 2000])
    func foldFreesRelay(_ milliseconds: Int) throws {
        let scene = try RelayScene()
        let call = SimulatedCall(scene.network, scene.a, scene.b)
        var configuration = ICEConfiguration()
        configuration.servers = [try RelayScene.urls(RelayScene.url(.udp))]
        let client = ICEClient(on: scene.a, configuration: configuration)
        try client.addStream(components: 2)
        client.gatherCandidates()
        scene.network.run(for: .milliseconds(milliseconds))
        if milliseconds == 2000 { #expect(scene.server.allocations.count == 2) }
        client.removeComponent(StreamComponent(stream: StreamID(0), component: .rtcp))
        scene.network.run(for: .seconds(2))
        #expect(scene.server.allocations.count == 1)
        #expect(client.gatheringState == .complete)
        #expect(Set(client.localCandidates.map(\.component)) == [.rtp])
        call.close()
        client.close()
    }

    // MARK: Descriptions

    static let multiplexing = """
        v=0
        o=- 1 1 IN IP4 0.0.0.0
        s=-
        t=0 0
        m=audio 9 RTP/SAVPF 111
        a=mid:a
        a=rtcp-mux
        m=video 9 RTP/SAVPF 96
        a=mid:v
        a=rtcp-mux

        """

    /// An offer with two components for each stream and `a=rtcp-mux`, and an answer that may be changed on its way.
    func negotiate(_ change: (inout SessionDescription) -> Void, answererComponents: Int?) throws -> (
        SimulatedNetwork, ICEClient, ICEClient
    ) {
        let (network, offerer, answerer) = DescriptionTests.clients()
        for _ in 0..<2 { try offerer.addStream(components: 2) }
        try offerer.setLocalDescription(SessionDescription(Self.multiplexing))
        network.run(for: .milliseconds(1))
        #expect(offerer.localCandidates.count == 4)
        if let answererComponents {
            for _ in 0..<2 { try answerer.addStream(components: answererComponents) }
        }
        try answerer.setRemoteDescription(offerer.localDescription.description)
        try answerer.setLocalDescription()
        network.run(for: .milliseconds(1))
        var answer = try SessionDescription(answerer.localDescription.description)
        change(&answer)
        try offerer.setRemoteDescription(answer.description)
        for client in [offerer, answerer] { client.processCandidates() }
        return (network, offerer, answerer)
    }

    @Test(
        "rtcp-mux in offer and answer folds; without it in the answer both components stay", arguments: [true, false])
    func multiplexing(_ isAccepted: Bool) throws {
        let (network, offerer, answerer) = try negotiate({ _ in }, answererComponents: isAccepted ? nil : 2)
        #expect(
            network.run(until: { offerer.state == .completed && answerer.state == .completed }, atMost: .seconds(5)))
        #expect(offerer.localCandidates.count == (isAccepted ? 2 : 4))
        #expect(answerer.localCandidates.count == (isAccepted ? 2 : 4))
        #expect(network.hosts[0].datagramPorts.values.joined().count == (isAccepted ? 2 : 4))
        #expect(answerer.localDescription.media.allSatisfy { $0.usesRTCPMultiplexing == isAccepted })
    }

    @Test(
        "D2.10: a stream that the answer disables, or has no ICE for, ends and holds up nothing",
        arguments: [true, false])
    func refusedStream(_ isDisabled: Bool) throws {
        let (network, offerer, answerer) = try negotiate(
            { answer in
                if isDisabled { answer.media[1].port = 0 } else { answer.media[1].iceMismatch = true }
            }, answererComponents: nil)
        answerer.removeStream(Self.second)
        #expect(
            network.run(until: { offerer.state == .completed && answerer.state == .completed }, atMost: .seconds(5)))
        #expect(network.hosts[0].datagramPorts.values.joined().count == 1)
        let again = try SessionDescription(offerer.localDescription.description)
        #expect(again.media.map(\.isDisabled) == [false, true])
        #expect(again.media[1].usernameFragment == nil)
        #expect(again.media[1].mid == "v")
    }

    // MARK: Adding

    @Test("A stream that is added alone is gathered for and checked; the others do not notice", arguments: [0, 3000])
    func add(_ delay: Int) throws {
        let call = try call()
        var told: [Candidate?] = []
        let signal = call.caller.onCandidate
        call.caller.onCandidate = {
            told.append($0)
            signal?($0)
        }
        let before = call.clients.map { ($0.localCandidates, $0.selectedPair()) }
        // The one who accepts has to know the stream before its candidates come.
        try call.callee.addStream()
        #expect(call.callee.state == .checking)
        try converse(call, for: .milliseconds(delay))
        let held = call.callee.localCandidates.filter { $0.stream == Self.second }
        try call.caller.addStream()
        for candidate in held { call.caller.addRemoteCandidate(candidate) }
        call.caller.addRemoteCandidate(nil as Candidate?)
        try converse(call, for: .seconds(2))
        #expect(call.isCompleted)
        #expect(
            call.states.allSatisfy { $0 == [.checking, .connected, .completed, .checking, .connected, .completed] })
        #expect(told.map { $0?.stream } == [Self.second, nil])
        for (client, (candidates, pair)) in zip(call.clients, before) {
            #expect(Array(client.localCandidates.prefix(candidates.count)) == candidates)
            #expect(client.selectedPair() == pair)
            #expect(client.selectedPair(of: StreamComponent(stream: Self.second, component: .rtp)) != nil)
        }
        #expect(call.nominated.map { $0.map(\.path.stream.index) } == [[0, 1], [0, 1]])
        #expect(openPorts(call) == [2, 2])
        // Not one datagram of the first stream got lost.
        #expect(call.received.allSatisfy { $0.count >= 99 + delay / 20 - 2 })
        let path = StreamComponent(stream: Self.second, component: .rtp)
        call.network.run(for: .milliseconds(100))
        var heard: [StreamComponent] = []
        call.callee.onData = { heard.append($1) }
        try call.caller.send("x", on: path)
        call.network.run(for: .milliseconds(100))
        #expect(heard == [path])
    }

    @Test("A later stream gets its relay, and those that stood by for others stay until it is there")
    func addWithRelay() throws {
        let scene = try RelayScene()
        let servers = [try RelayScene.urls(RelayScene.url(.udp))]
        let call = SimulatedCall(scene.network, scene.a, scene.b) {
            $0.servers = servers
            $0.transportPolicy = .relay
        }
        #expect(call.connect())
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        for client in call.clients { try client.addStream() }
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        scene.network.run(for: .seconds(10))
        #expect(scene.server.allocations.count == 4)
        for client in call.clients { client.removeStream(StreamID(0)) }
        scene.network.run(for: .seconds(1))
        #expect(scene.server.allocations.count == 2)
        #expect(call.isCompleted)
        call.close()
        scene.network.run(for: .seconds(1))
        #expect(scene.server.allocations == [])
    }

    @Test("An added stream that never works fails the session; without it the session is what it was")
    func addedInVain() throws {
        let call = try call()
        try call.caller.addStream()
        for _ in 0..<60 { try converse(call, for: .seconds(1)) }
        #expect(call.caller.state == .failed)
        #expect(call.caller.failure?.code == .noCandidatePairs)
        call.caller.removeStream(Self.second)
        #expect(call.caller.state == .completed)
        #expect(call.caller.failure == nil)
        try converse(call, for: .seconds(1))
        #expect(call.received.allSatisfy { $0.count >= 61 * 50 - 10 })
    }

    // MARK: Credentials

    @Test("D2.7: a stream's own credentials go before the session's, in checks, nominations, consent and answers")
    func ownCredentials() throws {
        let network = SimulatedNetwork(seed: 12)
        let host = network.makeHost("client", addresses: ["192.0.2.1"])
        let peerHost = network.makeHost("peer", addresses: ["198.51.100.1"])
        let peers = [
            try ScriptedPeer(network, peerHost, at: "198.51.100.1:7000", name: "peer"),
            try ScriptedPeer(network, peerHost, at: "198.51.100.1:7001", name: "other"),
        ]
        let client = ICEClient(on: host)
        for _ in peers { try client.addStream() }
        client.gatherCandidates()
        client.processCandidates()
        var description = SessionDescription(
            parameters: peers[0].parameters, media: client.localDescription.media)
        description.media[1].usernameFragment = peers[1].parameters.usernameFragment
        description.media[1].password = peers[1].parameters.password
        network.run(for: .milliseconds(1))
        try client.setRemoteDescription(description.description)
        for (index, peer) in peers.enumerated() {
            var candidate = peer.candidate()
            candidate.stream = StreamID(index)
            candidate.attributes = [Candidate.Attribute(name: "ufrag", value: peer.parameters.usernameFragment)]
            client.addRemoteCandidate(candidate)
        }
        client.addRemoteCandidate(nil as Candidate?)
        #expect(network.run(until: { client.state == .completed }, atMost: .seconds(5)))
        network.run(for: .seconds(60))
        #expect(client.state == .completed)
        let own = client.localParameters.usernameFragment
        for (index, peer) in peers.enumerated() {
            let name = "\(peer.parameters.usernameFragment):\(own)"
            #expect(peer.requests.count > 10)
            #expect(peer.requests.allSatisfy { $0[STUNMessage.Username.self]?.value == name })
            // What names the other stream's fragment is answered, and learned from by nobody.
            let address = try #require(client.localCandidates.first { $0.stream == StreamID(index) }).address
            let count = client.remoteCandidates.count
            let stranger = try ScriptedPeer(
                network, peerHost, at: TransportAddress("198.51.100.1", port: UInt16(7100 + index)),
                name: peers[1 - index].parameters.usernameFragment)
            stranger.send(stranger.check(for: client.localParameters).bytes, to: address)
            network.run(for: .milliseconds(100))
            #expect(stranger.responses.count == 1)
            #expect(client.remoteCandidates.count == count)
        }
        // The same again changes nothing, others need a restart.
        try client.setRemoteDescription(description.description)
        description.media[1].password = "yetAnotherPasswordOfThePeer"
        description.media[1].usernameFragment = "third"
        #expect(throws: ICEError.self) { try client.setRemoteDescription(description.description) }
        // A stream that is added may bring its own.
        let late = try client.addStream()
        try client.setRemoteParameters(
            peers[0].parameters,
            streams: [
                Self.second: peers[1].parameters,
                late: ICEParameters(usernameFragment: "late", password: "latePasswordOfTheScript0123"),
            ])
        let latePeer = try ScriptedPeer(network, peerHost, at: "198.51.100.1:7002", name: "late")
        var candidate = latePeer.candidate()
        candidate.stream = late
        network.run(for: .milliseconds(1))
        client.addRemoteCandidate(candidate)
        client.addRemoteCandidate(nil as Candidate?)
        #expect(network.run(until: { client.state == .completed }, atMost: .seconds(5)))
    }
}
