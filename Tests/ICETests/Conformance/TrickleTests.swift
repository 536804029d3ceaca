import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("D1, H19-H21: candidates at any time")
struct TrickleTests {
    @Test("H19: candidates before credentials, and before gathering, are kept", arguments: [false, true])
    func earlyCandidates(_ isBeforeGathering: Bool) throws {
        let call = try ScriptedCall()
        if isBeforeGathering {
            call.client.addRemoteCandidate(call.peer.candidate())
            call.client.addRemoteCandidate(nil as Candidate?)
            try call.start(withCredentials: false)
        } else {
            try call.start(withCredentials: false)
            call.client.addRemoteCandidate(call.peer.candidate())
            call.client.addRemoteCandidate(nil as Candidate?)
        }
        call.run(.milliseconds(100))
        #expect(call.peer.datagramCount == 0)
        #expect(call.client.statistics().ignoredCandidates == 0)
        try call.client.setRemoteParameters(call.peer.parameters)
        #expect(call.network.run(until: { call.client.state == .completed }, atMost: .seconds(1)))
    }

    @Test("H19: a callee may take parameters and candidates first, and gather then")
    func calleeOrder() throws {
        let call = try ScriptedCall(role: .controlled)
        try call.client.setRemoteParameters(call.peer.parameters)
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.client.remoteCandidates.count == 1)
        call.client.gatherCandidates()
        call.client.processCandidates()
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .milliseconds(100)))
    }

    @Test("D1.1: no local candidate is checked from before it was handed out")
    func conveyedFirst() throws {
        let call = try ScriptedCall()
        call.client.addRemoteCandidate(call.peer.candidate())
        try call.client.setRemoteParameters(call.peer.parameters)
        call.client.processCandidates()
        call.network.isTracing = true
        call.client.onCandidate = { candidate in
            if candidate != nil { #expect(!call.network.trace.contains { $0.event == .sent && $0.place == "client" }) }
        }
        call.client.gatherCandidates()
        #expect(call.client.candidatePairs.isEmpty)
        call.run(.milliseconds(50))
        #expect(call.peer.requests.count > 0)
    }

    @Test("D1.7: a candidate that is signalled twice makes one pair")
    func duplicate() throws {
        let call = try ScriptedCall()
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        for _ in 0..<3 { call.client.addRemoteCandidate(call.peer.candidate()) }
        #expect(call.client.candidatePairs.count == 1)
    }

    @Test("D1.6: what comes behind the end of candidates is ignored and counted")
    func behindTheEnd() throws {
        let call = try ScriptedCall()
        try call.start()
        call.client.addRemoteCandidate(nil as Candidate?)
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.client.remoteCandidates.isEmpty)
        #expect(call.client.statistics().ignoredCandidates == 1)
    }

    @Test(
        "D2.4, D2.5: a bad candidate line throws and changes nothing, an unusable one is ignored",
        arguments: [
            "candidate:1 1 udp", "candidate:1 1 udp 99999999999 192.0.2.1 5 typ host", "nonsense",
            "candidate:1 0 udp 1 192.0.2.1 5 typ host", "candidate:1 1 udp 1 192.0.2.1 70000 typ host",
        ])
    func badLine(_ line: String) throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        let before = SessionSnapshot(call.client)
        #expect(throws: ICESyntaxError.self) { try call.client.addRemoteCandidate(line) }
        for ignored in [
            "candidate:1 1 udp 1 host.example 5 typ host", "candidate:1 1 sctp 1 192.0.2.1 5 typ host",
            "candidate:1 1 tcp 1 192.0.2.1 9 typ host tcptype active", "candidate:1 2 udp 1 192.0.2.1 5 typ host",
            "candidate:1 1 udp 1 192.0.2.1 5 typ what",
        ] {
            try call.client.addRemoteCandidate(ignored)
        }
        #expect(SessionSnapshot(call.client) == before)
        #expect(call.client.statistics().ignoredCandidates == 5)
    }

    @Test(
        "No check goes to an address that can't be a peer's",
        arguments: [
            "0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1",
        ] as [IPAddress])
    func impossibleAddress(_ ip: IPAddress) throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "2001:db8::1"])
        try call.start()
        var candidate = call.peer.candidate()
        candidate.address = TransportAddress(ip, port: 7000)
        call.network.isTracing = true
        call.client.addRemoteCandidate(candidate)
        call.run(.milliseconds(200))
        #expect(call.client.remoteCandidates.isEmpty)
        #expect(call.network.trace.isEmpty)
    }

    @Test("C2.4, C6.2: a flood of candidates is bounded, and the last of them can still be the one that works")
    func flood() throws {
        let call = try ScriptedCall { $0.pacing = .fast }
        try call.start()
        for number in 0..<99 {
            var candidate = call.peer.candidate(foundation: "\(number)", priority: UInt32(2_000_000_000 - number))
            candidate.address = TransportAddress("203.0.113.5", port: UInt16(1000 + number))
            call.client.addRemoteCandidate(candidate)
        }
        call.client.addRemoteCandidate(call.peer.candidate(foundation: "x", priority: 2_130_706_431))
        for number in 0..<900 {
            var candidate = call.peer.candidate(foundation: "y\(number)", priority: 2_130_706_431)
            candidate.address = TransportAddress("203.0.113.6", port: UInt16(1000 + number))
            call.client.addRemoteCandidate(candidate)
        }
        #expect(call.client.remoteCandidates.count == 100)
        #expect(call.client.candidatePairs.count <= 100)
        #expect(call.client.statistics().ignoredCandidates == 900)
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .seconds(10)))
    }

    @Test("C2.4: pairs stay under the limit, the better ones stay in", arguments: [1, 5, 100])
    func pairLimit(_ limit: Int) throws {
        let call = try ScriptedCall(addresses: ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) {
            $0.maximumCandidatePairs = limit
        }
        call.peer.answer = { _, _, _ in nil }
        try call.start()
        for number in 0..<60 {
            var candidate = call.peer.candidate(foundation: "\(number)", priority: UInt32(1_000_000 + number))
            candidate.address = TransportAddress("203.0.113.5", port: UInt16(1000 + number))
            call.client.addRemoteCandidate(candidate)
        }
        #expect(call.client.candidatePairs.count <= limit)
        call.client.addRemoteCandidate(call.peer.candidate(foundation: "best"))
        if limit > 3 { #expect(call.client.candidatePairs.contains { $0.remote.address == call.peer.address }) }
    }

    @Test("G7, E1.1: a peer that starts 30 s late is still met")
    func latePeer() {
        let (network, a, b) = SimulatedCallTests.hosts(8)
        let call = SimulatedCall(network, a, b)
        let parameters = call.clients.map(\.localParameters)
        try? call.caller.setRemoteParameters(parameters[1])
        call.caller.gatherCandidates()
        call.caller.processCandidates()
        network.run(for: .seconds(30))
        #expect(call.caller.state != .failed)
        try? call.callee.setRemoteParameters(parameters[0])
        call.callee.gatherCandidates()
        call.callee.processCandidates()
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
    }

    @Test("E1.1: failed checks do not end the session while patience lasts, a late check from the peer saves it")
    func patience() throws {
        let call = try ScriptedCall()
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 500) }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(38))
        #expect(call.client.state == .checking)
        call.peer.answer = { peer, request, source in peer.success(to: request, mapped: source) }
        call.peer.sendCheck(to: call.client)
        call.run(.milliseconds(200))
        #expect(call.client.state == .completed)
        call.run(.seconds(60))
        #expect(call.client.state == .completed)
    }

    @Test("D1.5, D1.6: from a peer that never names an end of its candidates, patience is the limit")
    func endlessTrickle() throws {
        let call = try ScriptedCall()
        try call.start()
        call.run(.seconds(39))
        #expect(call.client.state != .failed)
        call.run(.seconds(1))
        #expect(call.client.state == .failed)
    }

    @Test("D1.5: the session does not fail while its own gathering may still bring candidates, though patience is over")
    func gatheringOutlastsPatience() throws {
        let call = try ScriptedCall {
            $0.gatheringTimeout = .seconds(20)
            $0.patienceInterval = .seconds(5)
            if let server = try? ICEServer(urls: ["stun:203.0.113.10"]) { $0.servers = [server] }
        }
        let server = try SimulatedSTUNServer(on: call.network.makeHost("stun", addresses: ["203.0.113.10"]))
        server.isSilent = true
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 500) }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        call.run(.seconds(19))
        #expect(call.failures.count == 1)
        #expect(call.client.gatheringState == .gathering)
        #expect(!call.states.contains(.failed))
        call.run(.seconds(2))
        #expect(call.client.gatheringState == .complete)
        #expect(call.states.last == .failed)
    }
}
