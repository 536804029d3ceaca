import ICE
import ICETesting
import NetBase
import Testing

@Suite("Calls over TCP (RFC 6544)")
struct TCPCallTests {
    private static func transports(_ local: CandidateTransports, pacing: PacingProfile = .fast) -> (
        inout ICEConfiguration
    ) -> Void {
        return {
            $0.transports = local
            $0.pacing = pacing
        }
    }

    private static func hasSettled(_ call: SimulatedCall) -> Bool {
        call.network.run(until: { call.isCompleted }, atMost: .seconds(30))
    }

    @Test(
        "E4.2: where only TCP is used, the active side of each pair connects, whoever controls",
        arguments: SimulatedCallTests.roles)
    func tcpOnly(_ roles: [Role]) throws {
        let (network, a, b) = SimulatedCallTests.hosts(11)
        network.isTracing = true
        let call = SimulatedCall(network, a, b, roles: roles, configure: Self.transports(.tcp))
        #expect(call.connect() && Self.hasSettled(call) && call.talk())
        for client in call.clients {
            let pair = try #require(client.selectedPair())
            #expect(pair.local.transport != .udp && pair.remote.transport != .udp, "\(pair)")
        }
        #expect(network.trace.allSatisfy { $0.transport == .tcp })
    }

    @Test("E4.1: UDP is preferred where it works")
    func preference() throws {
        let (network, a, b) = SimulatedCallTests.hosts(12)
        let call = SimulatedCall(network, a, b, configure: Self.transports([.udp, .tcp]))
        #expect(call.connect() && Self.hasSettled(call) && call.talk())
        for client in call.clients { #expect(try #require(client.selectedPair()).local.transport == .udp) }
    }

    @Test("A network that lets nothing but TCP out reaches a public peer")
    func blockedUDP() throws {
        let network = SimulatedNetwork(seed: 13)
        let nat = network.makeNAT("firewall", external: ["203.0.113.1"], behavior: .udpBlocked)
        let inside = network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
        let outside = network.makeHost("outside", addresses: ["198.51.100.1"])
        for host in [inside, outside] { host.link.setConditions(LinkConditions(delay: .milliseconds(20))) }
        let call = SimulatedCall(network, inside, outside, configure: Self.transports([.udp, .tcp]))
        #expect(call.connect() && Self.hasSettled(call) && call.talk())
        let pair = try #require(call.caller.selectedPair())
        #expect(pair.local.transport == .tcp(.active) && pair.remote.transport == .tcp(.passive))
        #expect(try #require(call.callee.selectedPair()).remote.kind == .peerReflexive)
    }

    @Test("E4.2: frames may be split anywhere, and many may come at once", arguments: [1, 2, 7, 100])
    func splitFrames(_ pieceLimit: Int) {
        let (network, a, b) = SimulatedCallTests.hosts(14)
        for host in [a, b] { host.streamPieceLimit = pieceLimit }
        let call = SimulatedCall(network, a, b, configure: Self.transports(.tcp))
        #expect(call.connect() && Self.hasSettled(call) && call.talk())
    }

    @Test("E4.2: a peer that nobody listens at fails its pair at once")
    func refused() throws {
        let (network, a, b) = SimulatedCallTests.hosts(15)
        let client = ICEClient(on: a, configuration: Self.configuration())
        var failure: (PairFailure, Instant)?
        client.onPairFailed = { _, reason in failure = (reason, network.now) }
        try client.setRemoteParameters(
            ICEParameters(credentials: Credentials(usernameFragment: "ABCD", password: "0123456789012345678901")))
        client.gatherCandidates()
        client.processCandidates()
        client.addRemoteCandidate(
            try Candidate("candidate:1 1 tcp 1518174207 198.51.100.1 7000 typ host tcptype passive"))
        let began = network.now
        #expect(network.run(until: { failure != nil }, atMost: .seconds(10)))
        let (reason, at) = try #require(failure)
        #expect(reason.code == .refused && at - began < .seconds(1), "\(reason)")
        withExtendedLifetime(b) { client.close() }
    }

    private static func configuration() -> ICEConfiguration {
        var configuration = ICEConfiguration(role: .controlling)
        transports(.tcp)(&configuration)
        return configuration
    }

    @Test("E4.3: once a pair is selected, the connections of all others are closed")
    func unusedConnections() throws {
        let network = SimulatedNetwork(seed: 16)
        let a = network.makeHost("a", addresses: ["192.0.2.1", "192.0.2.2"])
        let b = network.makeHost("b", addresses: ["198.51.100.1", "198.51.100.2"])
        for host in [a, b] { host.link.setConditions(LinkConditions(delay: .milliseconds(20))) }
        let call = SimulatedCall(network, a, b, configure: Self.transports(.tcp))
        #expect(call.connect() && Self.hasSettled(call))
        #expect(network.run(until: { a.connections.count == 1 && b.connections.count == 1 }, atMost: .seconds(4)))
        #expect(call.talk())
        network.run(for: .seconds(60))
        #expect(call.isCompleted && a.connections.count == 1 && b.connections.count == 1)
    }

    @Test("E4.3: with TCP, a controlling agent nominates regularly, whatever it was told (RFC 6544 §8)")
    func regularNomination() throws {
        let (network, a, b) = SimulatedCallTests.hosts(17)
        let call = SimulatedCall(network, a, b) {
            $0.transports = [.udp, .tcp]
            $0.pacing = .fast
            $0.nomination = .eager
        }
        #expect(call.connect())
        #expect(network.run(until: { !call.nominatedAt.contains(nil) }, atMost: .seconds(5)))
        // Eagerly, the check that connects nominates at the same time.
        let (connected, nominated) = (try #require(call.connectedAt[0]), try #require(call.nominatedAt[0]))
        #expect(nominated - connected >= .milliseconds(50))
    }

    @Test("E2.3: consent is asked for over TCP too, and its end ends the call")
    func consent() {
        let (network, a, b) = SimulatedCallTests.hosts(18)
        let call = SimulatedCall(network, a, b, configure: Self.transports(.tcp))
        #expect(call.connect() && Self.hasSettled(call))
        network.run(for: .seconds(120))
        #expect(call.isCompleted)
        b.link.isCut = true
        #expect(network.run(until: { call.hasFailed }, atMost: .seconds(60)))
    }

    @Test(
        "E4.3: a selected connection that breaks is opened again by the side that opened it", arguments: [true, false])
    func reopened(_ openerControls: Bool) throws {
        let network = SimulatedNetwork(seed: 19)
        let nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: .udpBlocked)
        let inside = network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
        let outside = network.makeHost("outside", addresses: ["198.51.100.1"])
        for host in [inside, outside] { host.link.setConditions(LinkConditions(delay: .milliseconds(20))) }
        let roles: [Role] = openerControls ? [.controlling, .controlled] : [.controlled, .controlling]
        let call = SimulatedCall(network, inside, outside, roles: roles, configure: Self.transports(.tcp))
        #expect(call.connect() && Self.hasSettled(call) && call.talk())
        for stream in inside.connections { stream.breakOff() }
        network.run(for: .seconds(3))
        #expect(call.isConnected, "\(call.states)")
        let before = call.received.map(\.count)
        network.run(for: .milliseconds(100))
        try call.caller.send("again from the caller")
        try call.callee.send("again from the callee")
        network.run(for: .seconds(1))
        #expect(zip(call.received, before).allSatisfy { $0.count > $1 }, "\(call.received)")
    }

    @Test("E4.3: where the connection can't be opened again, only a restart helps")
    func notReopened() {
        let (network, a, b) = SimulatedCallTests.hosts(20)
        let call = SimulatedCall(network, a, b, configure: Self.transports(.tcp))
        #expect(call.connect() && Self.hasSettled(call))
        var reasons: [RestartReason.Code] = []
        for client in call.clients { client.onRestartNeeded = { reasons.append($0.code) } }
        b.shutDown()
        #expect(network.run(until: { !reasons.isEmpty }, atMost: .seconds(60)))
        #expect(reasons.first == .pathLost)
        withExtendedLifetime(a) {}
    }

    @Test("A restart goes on over the connections that there are until it has chosen its pair (RFC 6544 §9.2)")
    func restart() throws {
        let (network, a, b) = SimulatedCallTests.hosts(21)
        let call = SimulatedCall(network, a, b, configure: Self.transports(.tcp))
        #expect(call.connect() && Self.hasSettled(call) && call.talk())
        let ends = { a.connections.map { [$0.localAddress, $0.remoteAddress] } }
        let before = ends()
        for client in call.clients { client.restart() }
        for (client, peer) in [(call.caller, call.callee), (call.callee, call.caller)] {
            try peer.setRemoteParameters(client.localParameters)
        }
        try call.caller.send("meanwhile")
        #expect(network.run(until: { call.received[1].contains("meanwhile") }, atMost: .seconds(1)))
        #expect(
            network.run(
                until: { call.nominated.allSatisfy { $0.count == 2 } && call.isCompleted }, atMost: .seconds(10)))
        #expect(call.talk())
        #expect(network.run(until: { a.connections.count == 1 && b.connections.count == 1 }, atMost: .seconds(5)))
        // Peers with one port for many calls hold a connection to the username fragment that came first.
        #expect(!before.isEmpty && ends().allSatisfy { !before.contains($0) })
        for client in call.clients { #expect(client.localCandidates.count { $0.transport == .tcp(.active) } == 1) }
    }

    @Test("E4.4: both may open one connection at the same time, through NATs that let nothing else in")
    func simultaneousOpen() throws {
        let network = SimulatedNetwork(seed: 22)
        let a = network.makeHost("a", addresses: ["192.0.2.1"])
        let b = network.makeHost("b", addresses: ["198.51.100.1"])
        for host in [a, b] { host.link.setConditions(LinkConditions(delay: .milliseconds(20))) }
        let call = SimulatedCall(network, a, b, configure: Self.transports([.tcp, .simultaneousOpen]))
        call.caller.shouldAcceptRemoteCandidate = { $0.transport == .tcp(.simultaneousOpen) }
        call.callee.shouldAcceptRemoteCandidate = { $0.transport == .tcp(.simultaneousOpen) }
        #expect(call.connect() && Self.hasSettled(call) && call.talk())
        #expect(try #require(call.caller.selectedPair()).local.transport == .tcp(.simultaneousOpen))
    }

    @Test("A lite agent takes connections, and opens none (RFC 6544 §4.4)")
    func lite() throws {
        let (network, a, b) = SimulatedCallTests.hosts(23)
        let call = SimulatedCall(network, a, b, configure: Self.transports(.tcp)) { $0.isLite = true }
        #expect(call.connect() && Self.hasSettled(call) && call.talk())
        #expect(call.callee.localCandidates.map(\.transport) == [.tcp(.passive)])
    }

    @Test("With UDP alone, the peer's TCP candidates are ignored")
    func unwanted() throws {
        let (network, a, b) = SimulatedCallTests.hosts(24)
        let call = SimulatedCall(network, a, b, configure: Self.transports(.udp)) { $0.transports = [.udp, .tcp] }
        #expect(call.connect() && Self.hasSettled(call))
        #expect(call.caller.localCandidates.allSatisfy { $0.transport == .udp })
        #expect(call.caller.remoteCandidates.allSatisfy { $0.transport == .udp })
    }

    @Test("Where all candidates of the peer were ignored, the failure says so")
    func nothingInCommon() {
        let (network, a, b) = SimulatedCallTests.hosts(25)
        let call = SimulatedCall(network, a, b, configure: Self.transports(.udp)) { $0.transports = .tcp }
        call.start()
        #expect(network.run(until: { call.caller.state == .failed }, atMost: .seconds(60)))
        #expect(call.caller.failure?.message.contains("ignored") == true, "\(String(describing: call.caller.failure))")
    }
}
