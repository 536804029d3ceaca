import ICECore
import STUN
import Testing

@testable import ICE
@testable import ICETesting

@Suite("G10, H35: events in their order, and nothing after close")
struct LifecycleTests {
    /// The moments at which an application may close.
    enum Moment: String, CaseIterable, Sendable {
        case candidate, endOfCandidates, candidateError, gatheringState, state, nominated, selected, failed, data,
            question
    }

    /// Counts everything that is told after close.
    final class Listener: ICEClientDelegate {
        var isClosed = false
        var late: [String] = []

        func note(_ what: String) { if isClosed { late.append(what) } }
        func iceClient(_ client: ICEClient, didGenerate candidate: Candidate?) { note("candidate") }
        func iceClient(_ client: ICEClient, didFailToGather error: CandidateError) { note("error") }
        func iceClient(_ client: ICEClient, didNominate pair: CandidatePair) { note("nominated") }
        func iceClient(_ client: ICEClient, didFail pair: CandidatePair, reason: PairFailure) { note("failed") }
        func iceClient(_ client: ICEClient, didChange state: ICEState) { note("state") }
        func iceClient(_ client: ICEClient, didChange gatheringState: ICEGatheringState) { note("gathering") }
        func iceClient(_ client: ICEClient, didSelect pair: CandidatePair) { note("selected") }
        func iceClient(_ client: ICEClient, didReceive data: Span<UInt8>, on path: StreamComponent) { note("data") }
    }

    @Test("A client may be closed inside any event, and none follows", arguments: Moment.allCases)
    func closeInside(_ moment: Moment) throws {
        let network = SimulatedNetwork(seed: 3)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        let remote = network.makeHost("b", addresses: ["198.51.100.1"])
        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["stun:nowhere.example"])]
        let client = ICEClient(on: host, configuration: configuration)
        let peer = try ScriptedPeer(network, remote, at: "198.51.100.1:7000")
        let refusing = try ScriptedPeer(network, remote, at: "198.51.100.1:7001")
        refusing.answer = { peer, request, _ in peer.failure(to: request, 500) }
        let listener = Listener()
        client.delegate = listener
        var hasHappened = false
        func happen(_ now: Moment) {
            listener.note("closure \(now)")
            guard now == moment, !hasHappened else { return }
            hasHappened = true
            client.close()
            listener.isClosed = true
        }
        client.onCandidate = { happen($0 == nil ? .endOfCandidates : .candidate) }
        client.onCandidateError = { _ in happen(.candidateError) }
        client.onGatheringStateChange = { _ in happen(.gatheringState) }
        client.onStateChange = { _ in happen(.state) }
        client.onPairNominated = { _ in happen(.nominated) }
        client.onSelectedPairChange = { _ in happen(.selected) }
        client.onPairFailed = { _, _ in happen(.failed) }
        client.onData = { _, _ in happen(.data) }
        client.shouldAcceptBindingRequest = { _ in
            happen(.question)
            return true
        }
        try client.setRemoteParameters(peer.parameters)
        client.gatherCandidates()
        client.processCandidates()
        client.addRemoteCandidate(refusing.candidate(foundation: "0"))
        client.addRemoteCandidate(peer.candidate())
        network.run(for: .milliseconds(200))
        if client.state != .closed {
            peer.sendCheck(to: client)
            network.run(for: .milliseconds(50))
        }
        if client.state != .closed { peer.send([200], to: client.localCandidates[0].address) }
        network.run(for: .seconds(60))
        #expect(hasHappened)
        #expect(client.state == .closed)
        #expect(listener.late.isEmpty)
        // Its socket is gone: the address can be bound again, and nothing is set that could fire.
        peer.sendCheckToClosed(client)
        network.run(for: .seconds(1))
        #expect(network.isIdle)
    }

    @Test("No event fires inside the call that causes it")
    func laterTurn() throws {
        let call = try ScriptedCall()
        var isInside = false
        var events = 0
        func note() {
            events += 1
            #expect(!isInside)
        }
        call.client.onCandidate = { _ in note() }
        call.client.onGatheringStateChange = { _ in note() }
        call.client.onStateChange = { _ in note() }
        call.client.onPairNominated = { _ in note() }
        call.client.onSelectedPairChange = { _ in note() }
        func inside(_ body: () throws -> Void) rethrows {
            isInside = true
            defer { isInside = false }
            try body()
        }
        inside { call.client.gatherCandidates() }
        inside { call.client.processCandidates() }
        try inside { try call.client.setRemoteParameters(call.peer.parameters) }
        inside { call.client.addRemoteCandidate(call.peer.candidate()) }
        inside { call.client.addRemoteCandidate(nil as Candidate?) }
        #expect(events == 0)
        #expect(call.network.run(until: { call.client.state == .completed }, atMost: .seconds(1)))
        call.run(.milliseconds(1))
        #expect(events >= 6)
        inside { call.client.restart() }
        call.run(.milliseconds(1))
        inside { call.client.close() }
    }

    @Test("G12: no state is told twice in a row, and no pair fails after the session has")
    func noDuplicates() throws {
        let call = try ScriptedCall()
        let silent = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        silent.answer = { _, _, _ in nil }
        call.peer.answer = { peer, request, _ in peer.failure(to: request, 500) }
        try call.start()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(silent.candidate(foundation: "2", priority: 1))
        #expect(call.network.run(until: { call.client.state == .failed }, atMost: .seconds(100)))
        call.run(.milliseconds(1))
        let failures = call.failures.count
        call.peer.sendCheck(to: call.client)
        call.run(.seconds(100))
        #expect(call.failures.count == failures)
        #expect(zip(call.states, call.states.dropFirst()).allSatisfy { $0 != $1 })
    }

    @Test("Everything may be called after close, and does nothing or says so")
    func afterClose() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.client.close()
        call.network.isTracing = true
        call.client.gatherCandidates()
        call.client.processCandidates()
        call.client.restart()
        call.client.addRemoteCandidate(call.peer.candidate())
        call.client.addRemoteCandidate(nil as Candidate?)
        try call.client.addRemoteCandidate("candidate:1 1 udp 1 192.0.2.1 5 typ host")
        #expect(throws: ICEError.self) { try call.client.addStream() }
        #expect(throws: ICEError.self) { try call.client.send("x") }
        #expect(throws: ICEError.self) { try call.client.setRemoteParameters(call.peer.parameters) }
        call.client.close()
        call.run(.seconds(60))
        #expect(call.network.trace.isEmpty)
        #expect(call.network.isIdle)
        #expect(call.client.state == .closed)
    }

    @Test("H35: a client that nobody holds any more is freed with its sockets, in any state", arguments: 0...5)
    func freed(_ stage: Int) throws {
        let network = SimulatedNetwork(seed: 3)
        let host = network.makeHost("a", addresses: ["192.0.2.1"])
        let remote = network.makeHost("b", addresses: ["198.51.100.1"])
        network.names["stun.example"] = ["198.51.100.9"]
        let peer = try ScriptedPeer(network, remote, at: "198.51.100.1:7000")
        weak var freed: ICEClient?
        do {
            var configuration = ICEConfiguration()
            configuration.servers = [try ICEServer(urls: ["stun:stun.example"])]
            let client = ICEClient(on: host, configuration: configuration)
            freed = client
            client.onCandidate = { _ in }
            if stage > 0 { client.gatherCandidates() }
            if stage > 1 { try client.setRemoteParameters(peer.parameters) }
            if stage > 2 { client.processCandidates() }
            if stage > 3 {
                client.addRemoteCandidate(peer.candidate())
                network.run(for: .milliseconds(500))
            }
            if stage > 4 { client.restart() }
        }
        #expect(freed == nil)
        network.run(for: .seconds(100))
        #expect(network.isIdle)
        #expect(host.datagramPorts.values.joined().isEmpty)
    }

    @Test("H35: closing stops everything at any point of a call", arguments: 0..<40)
    func closeAnywhere(_ step: Int) {
        let (network, a, b) = SimulatedCallTests.hosts(UInt64(step))
        let call = SimulatedCall(network, a, b)
        call.start()
        network.run(for: .milliseconds(step * 7))
        let states = call.states[0].count
        call.caller.close()
        network.isTracing = true
        network.run(for: .seconds(60))
        // Nothing but ICMP for its closed port leaves the host.
        #expect(!network.trace.contains { $0.event == .sent && $0.place == "a" && $0.transport == .udp })
        #expect(call.states[0].count == states)
        call.callee.close()
        network.run(for: .seconds(1))
        #expect(network.isIdle)
    }
}

extension ScriptedPeer {
    /// A check for the port that a closed client had.
    func sendCheckToClosed(_ client: ICEClient) {
        guard let address = lastSource else { return }
        send(check(for: client.localParameters).bytes, to: address)
    }
}
