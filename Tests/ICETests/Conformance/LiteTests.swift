import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("C5.9, C5.10: ICE lite")
struct LiteTests {
    /// A full caller behind a NAT, if wanted, and a lite callee on a public address.
    func call(
        roles: [Role] = [.controlling, .controlled], behind nat: NATBehavior? = nil, components: Int = 1,
        configure: (inout ICEConfiguration) -> Void = { _ in },
        configureLite: (inout ICEConfiguration) -> Void = { _ in }
    ) throws -> SimulatedCall {
        let network = SimulatedNetwork(seed: 8)
        let router = nat.map { network.makeNAT("nat", external: ["203.0.113.1"], behavior: $0) }
        let full = network.makeHost("full", addresses: [nat == nil ? "192.0.2.1" : "10.0.0.1"], behind: router)
        let lite = network.makeHost("lite", addresses: ["198.51.100.1"])
        for host in [full, lite] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        let call = SimulatedCall(network, full, lite, roles: roles, configure: configure) {
            $0.isLite = true
            configureLite(&$0)
        }
        for client in call.clients { try client.addStream(components: components) }
        return call
    }

    @Test(
        "Full against lite connects whatever roles were configured, and the full agent controls",
        arguments: SimulatedCallTests.roles)
    func fullAndLite(_ roles: [Role]) throws {
        let call = try call(roles: roles)
        var requests: [IPAddress: Int] = [:]
        call.network.interceptor = { packet in
            let isRequest = (try? STUNMessage(parsing: packet.bytes.span))?.messageClass == .request
            if isRequest { requests[packet.source.ip, default: 0] += 1 }
            return .pass
        }
        #expect(call.connect(atMost: .seconds(1)))
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(1)))
        #expect(call.caller.role == .controlling)
        #expect(call.callee.role == .controlled)
        #expect(call.talk())
        call.network.run(for: .seconds(120))
        #expect(call.isCompleted)
        #expect(call.nominated.map(\.count) == [1, 1])
        #expect(requests["192.0.2.1", default: 0] > 20)
        #expect(requests["198.51.100.1"] == nil)
    }

    @Test("A full agent behind any NAT reaches a lite one", arguments: [NATBehavior.portRestricted, .symmetric])
    func behindNAT(_ behavior: NATBehavior) throws {
        let call = try call(behind: behavior)
        #expect(call.connect(atMost: .seconds(1)))
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(1)))
        #expect(call.callee.selectedPair()?.remote.kind == .peerReflexive)
        #expect(call.callee.selectedPair()?.remote.address.ip == "203.0.113.1")
        #expect(call.talk())
    }

    @Test("A lite agent of several components selects them together, and sends nothing before (RFC 8445 §8.2, §12.1.1)")
    func severalComponents() throws {
        let call = try ScriptedCall(role: .controlled) { $0.isLite = true }
        try call.client.addStream(components: 2)
        try call.start()
        let address = try #require(call.client.localCandidates.first { $0.component == .rtcp }).address
        call.peer.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlling, true) }
        call.run(.milliseconds(50))
        #expect(call.peer.responses.count == 1)
        #expect(call.nominated.isEmpty)
        #expect(throws: ICEError.self) { try call.client.send("early") }
        let second = call.peer.check(for: call.client.localParameters) {
            ($0.role, $0.nominates) = (.controlling, true)
        }
        call.peer.send(second.bytes, to: address)
        call.run(.milliseconds(50))
        #expect(call.nominated.map(\.path.component) == [.rtp, .rtcp])
        #expect(call.client.state == .completed)
        try call.client.send("x")
        try call.client.send("y", on: StreamComponent(stream: StreamID(0), component: .rtcp))
        call.run(.milliseconds(50))
        #expect(call.peer.data.count == 2)
    }

    @Test("Two streams of two components between full and lite")
    func twoByTwo() throws {
        let call = try call(components: 2)
        for client in call.clients { try client.addStream(components: 2) }
        #expect(call.connect(atMost: .seconds(2)))
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(2)))
        call.network.run(for: .milliseconds(1))
        #expect(call.nominated.map(\.count) == [4, 4])
    }

    @Test("A lite agent has host candidates alone, says a=ice-lite and no ice-pacing, and refuses servers (D2.8)")
    func description() throws {
        let network = SimulatedNetwork(seed: 8)
        let host = network.makeHost("lite", addresses: ["198.51.100.1"])
        _ = try SimulatedSTUNServer(on: network.makeHost("stun", addresses: ["192.0.2.10"]))
        var configuration = ICEConfiguration(role: .controlled)
        configuration.isLite = true
        configuration.pacing = .fast
        configuration.servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        let client = ICEClient(on: host, configuration: configuration)
        var errors: [CandidateError] = []
        client.onCandidateError = { errors.append($0) }
        network.isTracing = true
        try client.setLocalDescription()
        network.run(for: .seconds(1))
        #expect(client.gatheringState == .complete)
        #expect(client.localCandidates.map(\.kind) == [.host])
        #expect(errors.map(\.url) == ["stun:192.0.2.10:3478"] || errors.map(\.url) == ["stun:192.0.2.10"])
        #expect(network.trace.isEmpty)
        #expect(client.localParameters.isLite)
        let lines = client.localDescription.description.split(separator: "\r\n")
        let media = try #require(lines.firstIndex { $0.hasPrefix("m=") })
        #expect(lines[..<media].contains("a=ice-lite"))
        #expect(!lines.contains { $0.hasPrefix("a=ice-pacing") })
        #expect(try SessionDescription(client.localDescription.description).parameters(for: 0)?.isLite == true)
    }

    @Test("A nomination that comes before the peer's credentials selects its pair once they are there")
    func earlyNomination() throws {
        let call = try ScriptedCall(role: .controlled) { $0.isLite = true }
        try call.start(withCredentials: false)
        call.peer.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlling, true) }
        call.run(.milliseconds(50))
        #expect(call.nominated.isEmpty)
        try call.client.setRemoteParameters(call.peer.parameters)
        call.run(.milliseconds(1))
        #expect(call.nominated.count == 1)
        #expect(call.client.state == .completed)
    }

    @Test("H14: a later nomination is followed, at whatever priority, and a check without one is only answered")
    func laterNomination() throws {
        let call = try ScriptedCall(role: .controlled) { $0.isLite = true }
        let other = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001", name: "peer")
        try call.start()
        call.peer.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlling, true) }
        call.run(.milliseconds(50))
        other.sendCheck(to: call.client) { ($0.role, $0.priority) = (.controlling, 1) }
        call.run(.milliseconds(50))
        #expect(other.responses.count == 1)
        #expect(call.nominated.count == 1)
        other.sendCheck(to: call.client) { ($0.role, $0.priority, $0.nominates) = (.controlling, 1, true) }
        call.run(.milliseconds(50))
        #expect(call.nominated.map(\.remote.address.port) == [7000, 7001])
        try call.client.send("x")
        call.run(.milliseconds(50))
        #expect((call.peer.data.count, other.data.count) == (0, 1))
        call.peer.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlling, true) }
        call.run(.milliseconds(50))
        #expect(call.client.selectedPair()?.remote.address.port == 7000)
    }

    @Test("Numbered nominations count where renomination was agreed on: the highest number wins")
    func renomination() throws {
        let call = try ScriptedCall(role: .controlled) { ($0.isLite, $0.renomination) = (true, true) }
        let other = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001", name: "peer")
        try call.start()
        other.sendCheck(to: call.client) { ($0.role, $0.nominationNumber) = (.controlling, 2) }
        call.run(.milliseconds(50))
        call.peer.sendCheck(to: call.client) { ($0.role, $0.nominationNumber) = (.controlling, 1) }
        call.run(.milliseconds(50))
        #expect(call.client.selectedPair()?.remote.address.port == 7001)
        call.peer.sendCheck(to: call.client) { ($0.role, $0.nominationNumber) = (.controlling, 3) }
        call.run(.milliseconds(50))
        #expect(call.client.selectedPair()?.remote.address.port == 7000)
    }

    @Test("Who checks a lite agent without claiming control is told to take it, whatever the tiebreakers")
    func conflict() throws {
        for tieBreaker in [0, UInt64.max] {
            let call = try ScriptedCall(role: .controlling) { $0.isLite = true }
            try call.start(withCredentials: false)
            call.peer.sendCheck(to: call.client) { ($0.role, $0.tieBreaker) = (.controlled, tieBreaker) }
            call.run(.milliseconds(50))
            #expect(call.peer.responses.last?[STUNMessage.ErrorCode.self]?.code == 487)
            call.peer.sendCheck(to: call.client) { ($0.role, $0.tieBreaker) = (.controlling, 0) }
            call.run(.milliseconds(50))
            #expect(call.peer.responses.last?.messageClass == .success)
            #expect(call.client.role == .controlled)
        }
    }

    @Test("A sender without the credentials selects nothing and is not sent to")
    func hostile() throws {
        let call = try ScriptedCall(role: .controlled) { $0.isLite = true }
        try call.start()
        for change: (inout ScriptedPeer.Check) -> Void in [
            { $0.isSigned = false }, { $0.password = "notThePasswordOfTheClient" }, { $0.username = "wrong:peer" },
            // With the right password, but of another session of the peer's.
            { $0.username = "\(call.client.localParameters.usernameFragment):other" },
        ] {
            call.peer.sendCheck(to: call.client) {
                ($0.role, $0.nominates) = (.controlling, true)
                change(&$0)
            }
            call.run(.milliseconds(50))
        }
        call.peer.send([1, 2, 3], to: call.client.localCandidates[0].address)
        call.run(.milliseconds(50))
        #expect(call.nominated.isEmpty && call.selected.isEmpty && call.received.isEmpty)
        #expect(call.client.selectedPair() == nil)
        #expect(call.client.state == .new)
        // The one who has them does.
        call.peer.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlling, true) }
        call.run(.milliseconds(50))
        #expect(call.nominated.count == 1)
    }

    // MARK: Consent

    @Test("A full peer that dies is noticed: disconnected after 15 s, nothing sent after 30 s, and failed for a reason")
    func peerDies() throws {
        let call = try call()
        #expect(call.connect())
        call.network.run(for: .seconds(20))
        let death = call.network.now
        call.caller.close()
        #expect(call.network.run(until: { call.callee.state == .disconnected }, atMost: .seconds(60)))
        #expect((Duration.seconds(9)...Duration.seconds(15.1)).contains(call.network.now - death))
        try call.callee.send("still allowed")
        #expect(call.network.run(until: { call.callee.state == .failed }, atMost: .seconds(60)))
        #expect((Duration.seconds(24)...Duration.seconds(30.1)).contains(call.network.now - death))
        #expect(call.callee.failure?.code == .consentExpired)
        #expect(throws: ICEError.self) { try call.callee.send("too late") }
        call.network.isTracing = true
        call.network.run(for: .seconds(60))
        #expect(!call.network.trace.contains { $0.event == .sent && $0.place == "lite" })
    }

    @Test("H26: data keeps a lite agent connected, but nothing but checks keeps the consent")
    func dataAlone() throws {
        let call = try ScriptedCall(role: .controlled) { $0.isLite = true }
        try call.start()
        call.peer.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlling, true) }
        call.run(.milliseconds(50))
        let address = call.client.localCandidates[0].address
        for _ in 0..<290 {
            call.peer.send([1, 2, 3], to: address)
            call.run(.milliseconds(100))
        }
        #expect(call.client.state == .completed)
        for _ in 0..<20 {
            call.peer.send([1, 2, 3], to: address)
            call.run(.milliseconds(100))
        }
        #expect(call.client.state == .failed)
        #expect(call.client.failure?.code == .consentExpired)
        #expect(!call.states.contains(.disconnected))
    }

    @Test("A peer that was silent for a while brings the session back with its next check")
    func comesBack() throws {
        let call = try call()
        #expect(call.connect())
        call.network.run(for: .seconds(1))
        call.network.hosts[0].link.isCut = true
        #expect(call.network.run(until: { call.callee.state == .disconnected }, atMost: .seconds(20)))
        call.network.hosts[0].link.isCut = false
        #expect(call.network.run(until: { call.callee.state == .completed }, atMost: .seconds(8)))
    }

    @Test("With no consent interval a lite agent trusts the path, and keeps it open with indications")
    func withoutConsent() throws {
        let call = try ScriptedCall(role: .controlled) { ($0.isLite, $0.consentInterval) = (true, nil) }
        try call.start()
        call.peer.sendCheck(to: call.client) { ($0.role, $0.nominates) = (.controlling, true) }
        call.run(.seconds(121))
        #expect(call.client.state == .completed)
        #expect(6...8 ~= call.peer.indicationTimes.count)
    }

    @Test("A peer that never comes fails a lite session once patience ends")
    func nobodyComes() throws {
        let call = try ScriptedCall(role: .controlled) { $0.isLite = true }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(39))
        #expect(call.client.state == .checking)
        call.run(.seconds(1))
        #expect(call.client.state == .failed)
        #expect(call.client.failure?.code == .checksFailed)
        #expect(call.peer.datagramCount == 0)
    }

    @Test(
        "H25: a full agent controls the lite peer; its consent checks nominate where that is wanted",
        arguments: [true, false])
    func consentWithUseCandidate(_ nominates: Bool) throws {
        let call = try ScriptedCall(role: .controlled) { $0.consentNominates = nominates }
        call.client.gatherCandidates()
        call.client.processCandidates()
        var parameters = call.peer.parameters
        parameters.isLite = true
        try call.client.setRemoteParameters(parameters)
        #expect(call.client.role == .controlling)
        call.run(.milliseconds(1))
        call.client.addRemoteCandidate(call.peer.candidate())
        call.run(.seconds(2))
        #expect(call.nominated.count == 1)
        let before = call.peer.requests.count
        call.run(.seconds(20))
        let consent = call.peer.requests[before...]
        #expect(consent.count >= 3)
        #expect(consent.allSatisfy { ($0[STUNMessage.UseCandidate.self] != nil) == nominates })
    }

    // MARK: Restart

    @Test("A restart by either side moves the call to the new generation, without a gap", arguments: [0, 1])
    func restart(_ first: Int) throws {
        let call = try call(behind: .portRestricted)
        #expect(call.connect())
        call.network.run(for: .seconds(1))
        let (one, other) = (call.clients[first], call.clients[1 - first])
        one.restart()
        // Ten seconds until the answer: the old pair goes on, its checks are answered.
        for _ in 0..<400 {
            try call.caller.send("x")
            try call.callee.send("y")
            call.network.run(for: .milliseconds(100))
        }
        other.restart()
        try other.setRemoteParameters(one.localParameters)
        try one.setRemoteParameters(other.localParameters)
        // The offer has its candidates in it.
        for candidate in one.localCandidates { other.addRemoteCandidate(candidate) }
        other.addRemoteCandidate(nil as Candidate?)
        #expect(call.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        call.network.run(for: .milliseconds(1))
        #expect(call.nominated.map(\.count) == [2, 2])
        #expect(call.caller.role == .controlling)
        #expect(call.received.allSatisfy { $0.count >= 399 })
        #expect(!call.states.joined().contains(.disconnected))
    }

    // MARK: Two lite agents

    @Test("Two lite agents choose alike, of several pairs too, and send no check", arguments: SimulatedCallTests.roles)
    func liteAndLite(_ roles: [Role]) throws {
        let network = SimulatedNetwork(seed: 8)
        let a = network.makeHost("a", addresses: ["192.0.2.1", "192.0.2.2", "2001:db8::1"])
        let b = network.makeHost("b", addresses: ["198.51.100.1", "2001:db8::2"])
        let call = SimulatedCall(network, a, b, signallingDelay: .milliseconds(30), roles: roles) { $0.isLite = true }
        for client in call.clients { try client.addStream(components: 2) }
        network.isTracing = true
        call.start()
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(1)))
        #expect(!network.trace.contains { $0.event == .sent && $0.transport == .udp })
        #expect(call.clients.map(\.role) == roles)
        for component in [ComponentID.rtp, .rtcp] {
            let path = StreamComponent(stream: StreamID(0), component: component)
            let one = try #require(call.caller.selectedPair(of: path))
            let other = try #require(call.callee.selectedPair(of: path))
            #expect(one.local.address == other.remote.address && one.remote.address == other.local.address)
            #expect(one.local.address.family == .v6)
        }
        #expect(call.talk())
        network.run(for: .seconds(120))
        #expect(call.isCompleted)
    }

    @Test("Two lite agents without a common family fail when patience ends")
    func liteWithoutCommonFamily() {
        let network = SimulatedNetwork(seed: 8)
        let a = network.makeHost("a", addresses: ["192.0.2.1"])
        let b = network.makeHost("b", addresses: ["2001:db8::2"])
        let call = SimulatedCall(network, a, b) { $0.isLite = true }
        call.start()
        #expect(network.run(until: { call.hasFailed }, atMost: .seconds(41)))
        #expect(call.caller.failure?.code == .noCandidatePairs)
    }

    @Test("Two lite agents restart, and go on with new sockets' candidates")
    func liteRestart() throws {
        let (network, a, b) = SimulatedCallTests.hosts(8)
        let call = SimulatedCall(network, a, b) { $0.isLite = true }
        #expect(call.connect())
        for client in call.clients { client.restart() }
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
        #expect(network.run(until: { call.nominated.allSatisfy { $0.count == 2 } }, atMost: .seconds(1)))
        #expect(call.talk())
    }
}
