import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("Faults of calls over TCP")
struct TCPBugTests {
    static let controls = [true, false]

    /// A call between a host that can only connect and one that can be connected to.
    private struct OneWay {
        let network: SimulatedNetwork
        let inside: SimulatedHost
        let outside: SimulatedHost
        let call: SimulatedCall
        /// The side that opens the connections, and the other one.
        var opener: ICEClient { call.caller }
        var listener: ICEClient { call.callee }

        init(
            _ seed: UInt64, openerControls: Bool = true, _ configure: (inout ICEConfiguration) -> Void = { _ in }
        ) throws {
            network = SimulatedNetwork(seed: seed)
            let nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: .udpBlocked)
            inside = network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
            outside = network.makeHost("outside", addresses: ["198.51.100.1"])
            for host in [inside, outside] { host.link.setConditions(LinkConditions(delay: .milliseconds(20))) }
            let roles: [Role] = openerControls ? [.controlling, .controlled] : [.controlled, .controlling]
            let call = SimulatedCall(network, inside, outside, roles: roles) {
                $0.transports = .tcp
                $0.pacing = .fast
                configure(&$0)
            }
            self.call = call
            try #require(call.connect())
            try #require(network.run(until: { call.isCompleted }, atMost: .seconds(30)))
            network.isTracing = true
        }

        /// The ports that the opener has connected from since the call was up.
        var portsOfOpener: Set<UInt16> {
            let sent = network.trace.filter { $0.event == .sent && $0.place == "inside" && $0.transport == .tcp }
            return Set(sent.map(\.source.port))
        }

        /// Whether something sent now each way arrives.
        func talksAnew() throws -> Bool {
            let before = call.received.map(\.count)
            for client in call.clients { try client.send("anew") }
            return network.run(until: { zip(call.received, before).allSatisfy { $0.count > $1 } }, atMost: .seconds(1))
        }
    }

    @Test("E2.3: checks and their answers get through where the application has filled the connection")
    func fullConnection() throws {
        let scene = try OneWay(51)
        for host in [scene.inside, scene.outside] {
            host.link.setConditions(LinkConditions(delay: .milliseconds(20), bandwidth: 1_500_000))
        }
        let datagram = [UInt8](repeating: 7, count: 10_000)
        for _ in 0..<1200 {
            for client in scene.call.clients {
                while (try? client.send(datagram)) != nil {}
            }
            scene.network.run(for: .milliseconds(50))
        }
        #expect(scene.call.isCompleted, "\(scene.call.states)")
        for client in scene.call.clients {
            let pair = try #require(client.statistics().candidatePairs.first { $0.isSelected })
            // One in five seconds at the least, and each is answered.
            #expect(pair.responsesReceived >= 10, "\(pair)")
        }
    }

    @Test("E4.3: a peer that takes every connection and ends it is not connected to without end", arguments: controls)
    func endedAtOnce(_ openerControls: Bool) throws {
        let scene = try OneWay(52, openerControls: openerControls)
        var reasons: [RestartReason.Code] = []
        scene.opener.onRestartNeeded = { reasons.append($0.code) }
        let place = try #require(scene.opener.selectedPair()).remote.address
        scene.listener.close()
        var count = 0
        try scene.outside.listen(on: place) {
            count += 1
            $0.close()
        }
        scene.network.run(for: .seconds(20))
        #expect(1...20 ~= count)
        #expect(reasons == [.pathLost])
    }

    @Test("E4.3: a connection whose end only its opener has seen is replaced, and nothing else", arguments: controls)
    func halfOpen(_ openerControls: Bool) throws {
        let scene = try OneWay(53, openerControls: openerControls)
        for stream in scene.outside.connections { stream.isStalled = true }
        for stream in scene.inside.connections { stream.breakOff() }
        scene.network.run(for: .seconds(3))
        #expect(scene.call.isCompleted, "\(scene.call.states)")
        #expect(try scene.talksAnew())
        #expect(scene.portsOfOpener.count <= 2, "\(scene.portsOfOpener)")
        #expect(scene.inside.connections.count == 1)
    }

    @Test("E4.3: a connection whose end both have seen is opened once, and carries data at once", arguments: controls)
    func broken(_ openerControls: Bool) throws {
        let scene = try OneWay(54, openerControls: openerControls)
        for stream in scene.inside.connections { stream.breakOff() }
        // Two round trips to connect and check, one for the check of the other side, and what the pacing adds.
        scene.network.run(for: .milliseconds(300))
        #expect(try scene.talksAnew())
        scene.network.run(for: .seconds(60))
        #expect(scene.call.isCompleted, "\(scene.call.states)")
        #expect(scene.portsOfOpener.count == 2, "\(scene.portsOfOpener)")
    }

    @Test("E4.3: whose opening gets lost once is not given up", arguments: controls)
    func lostOpening(_ openerControls: Bool) throws {
        let scene = try OneWay(55, openerControls: openerControls)
        for stream in scene.inside.connections { stream.breakOff() }
        // TCP repeats what opens a connection after a second (RFC 6298 §2).
        scene.inside.link.outgoing.delay = .milliseconds(1020)
        scene.network.run(for: .milliseconds(100))
        scene.inside.link.outgoing.delay = .milliseconds(20)
        scene.network.run(for: .seconds(3))
        #expect(scene.call.isCompleted, "\(scene.call.states) \(scene.call.failures)")
        #expect(try scene.talksAnew())
    }

    @Test("E4.4: a connection of both sides that breaks is opened again and stays", arguments: controls)
    func simultaneousOpenAgain(_ breaksAtBoth: Bool) throws {
        let (network, a, b) = SimulatedCallTests.hosts(56)
        let call = SimulatedCall(network, a, b) {
            $0.transports = [.tcp, .simultaneousOpen]
            $0.pacing = .fast
        }
        for client in call.clients { client.shouldAcceptRemoteCandidate = { $0.transport == .tcp(.simultaneousOpen) } }
        try #require(call.connect() && network.run(until: { call.isCompleted }, atMost: .seconds(30)))
        for stream in a.connections { breaksAtBoth ? stream.breakOff() : stream.close() }
        network.run(for: .seconds(3))
        #expect(call.isCompleted, "\(call.states) \(call.failures)")
        network.isTracing = true
        network.run(for: .seconds(60))
        #expect(call.isCompleted, "\(call.states) \(call.failures)")
        #expect(a.connections.count == 1 && b.connections.count == 1)
        // The connection stays: nobody opens it once more.
        let sizes = network.trace.filter { $0.event == .sent && $0.transport == .tcp }.map(\.byteCount)
        #expect(!sizes.contains(0), "\(sizes)")
    }

    @Test("RFC 6544 §12: no more than five connections are being made to one address of the peer")
    func attempts() throws {
        let (network, a, b) = SimulatedCallTests.hosts(57)
        b.link.isCut = true
        let client = ICEClient(on: a, configuration: Self.configuration)
        try client.setRemoteParameters(
            ICEParameters(credentials: Credentials(usernameFragment: "ABCD", password: "0123456789012345678901")))
        client.gatherCandidates()
        client.processCandidates()
        for port in 7000..<7020 {
            client.addRemoteCandidate(
                try Candidate("candidate:\(port) 1 tcp 1518174207 198.51.100.1 \(port) typ host tcptype passive"))
        }
        var most = 0
        for _ in 0..<100 {
            network.run(for: .milliseconds(100))
            most = max(most, a.connections.count)
        }
        #expect(most == 5)
        client.close()
        #expect(a.connections.isEmpty)
    }

    @Test("With continual gathering, an address that can't be bound at first brings all its candidates later")
    func lateBinding() throws {
        let network = SimulatedNetwork(seed: 58)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        var isRefusing = true
        let platform = RefusingPlatform(host) { _ in isRefusing }
        var configuration = Self.configuration
        configuration.transports = [.udp, .tcp]
        configuration.gatheringPolicy = .continually
        let client = ICEClient(platform: platform, configuration: configuration)
        client.gatherCandidates()
        network.run(for: .seconds(1))
        isRefusing = false
        network.run(for: .seconds(60))
        #expect(
            Set(client.localCandidates.map(\.transport)) == [.udp, .tcp(.active), .tcp(.passive)])
        #expect(client.localCandidates.count == 3)
    }

    @Test("E4.3: data waits for a check to succeed on the connection that was opened again", arguments: [false, true])
    func dataAheadOfAnswers(_ coalesces: Bool) throws {
        let scene = try OneWay(59) { $0.coalescesSends = coalesces }
        var roomCame = false
        scene.opener.onWritable = { _ in roomCame = true }
        for stream in scene.inside.connections { stream.breakOff() }
        scene.network.run(for: .milliseconds(1))
        if coalesces {
            try scene.opener.send("waits")
        } else {
            let error = #expect(throws: ICEError.self) { try scene.opener.send("waits") }
            #expect(error?.code == .wouldBlock)
        }
        // Connected by now, and the check is on its way.
        scene.network.run(for: .milliseconds(90))
        #expect(scene.call.received[1].isEmpty && !roomCame)
        if !coalesces {
            #expect(scene.network.run(until: { roomCame }, atMost: .seconds(1)))
            try scene.opener.send("waits")
        }
        #expect(scene.network.run(until: { scene.call.received[1] == ["waits"] }, atMost: .seconds(1)))
    }

    @Test("Data for a connection that is gone does not open one")
    func dataAheadOfChecks() throws {
        let scene = TCPScene()
        let (active, passive) = try scene.connected()
        active.socket.disconnect(passive.address)
        let first = #expect(throws: NetworkError.self) { try active.send([1, 2, 3], to: passive.address) }
        #expect(first?.code == .wouldBlock)
        #expect(scene.a.connections.isEmpty)
        try active.send(check, to: passive.address)
        #expect(scene.network.run(until: { active.writableCount == 1 }, atMost: .seconds(1)))
        try active.send([1, 2, 3], to: passive.address)
        #expect(scene.network.run(until: { passive.datagrams == [check, [1, 2, 3]] }, atMost: .seconds(1)))
    }

    private static var configuration: ICEConfiguration {
        var configuration = ICEConfiguration(role: .controlling)
        configuration.transports = .tcp
        configuration.pacing = .fast
        return configuration
    }
}
