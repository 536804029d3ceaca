import ICETesting
import STUN
import Testing

@testable import ICE

@Suite("Calls from inside events, and clients let go in the middle of one")
struct ReentrancyTests {
    typealias Moment = LifecycleTests.Moment

    /// Runs an action at every moment of a call, as often as it comes.
    func callEverything(_ call: SimulatedCall, _ action: @escaping (ICEClient, Moment) -> Void) {
        for client in call.clients {
            let signal = client.onCandidate
            client.onCandidate = { [weak client] candidate in
                signal?(candidate)
                if let client { action(client, candidate == nil ? .endOfCandidates : .candidate) }
            }
            client.onGatheringStateChange = { [weak client] _ in if let client { action(client, .gatheringState) } }
            let state = client.onStateChange
            client.onStateChange = { [weak client] in
                state?($0)
                if let client { action(client, .state) }
            }
            client.onSelectedPairChange = { [weak client] _ in if let client { action(client, .selected) } }
            client.onPairNominated = { [weak client] _ in if let client { action(client, .nominated) } }
            client.onData = { [weak client] _, _ in if let client { action(client, .data) } }
            client.shouldAcceptBindingRequest = { [weak client] _ in
                if let client { action(client, .question) }
                return true
            }
        }
    }

    @Test("Any method may be called inside any event")
    func anything() {
        let (network, a, b) = SimulatedCallTests.hosts(2)
        let call = SimulatedCall(network, a, b)
        var addedStreams = 0
        callEverything(call) { client, _ in
            client.gatherCandidates()
            client.processCandidates()
            try? client.send("from inside")
            // Each has events of its own, which would add others without end.
            if addedStreams < 20, let stream = try? client.addStream() {
                addedStreams += 1
                client.removeStream(stream)
            }
            try? client.addRemoteCandidate("candidate:9 1 udp 5 203.0.113.1 5 typ host")
            try? client.setRemoteParameters(client.localParameters)
            _ = client.statistics()
            _ = client.candidatePairs
        }
        #expect(call.connect(atMost: .seconds(5)))
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        network.run(for: .seconds(10))
        #expect(call.isCompleted)
    }

    @Test("A restart inside any event leaves a session that can go on", arguments: Moment.allCases)
    func restart(_ moment: Moment) throws {
        let (network, a, b) = SimulatedCallTests.hosts(2)
        let call = SimulatedCall(network, a, b)
        var restarts = 0
        callEverything(call) { client, now in
            guard now == moment, restarts < 3 else { return }
            restarts += 1
            client.restart()
        }
        call.start()
        network.run(for: .seconds(3))
        // Whatever that did, a proper restart brings the two together.
        restarts = 3
        call.caller.restart()
        call.callee.restart()
        try call.caller.setRemoteParameters(call.callee.localParameters)
        try call.callee.setRemoteParameters(call.caller.localParameters)
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
    }

    @Test("The last reference may go inside any event", arguments: Moment.allCases)
    func release(_ moment: Moment) throws {
        let (network, a, b) = SimulatedCallTests.hosts(2)
        var call: SimulatedCall? = SimulatedCall(network, a, b)
        weak let caller = call?.caller
        weak let callee = call?.callee
        if let call {
            callEverything(call) { client, now in
                if now == .state, client.state == .completed { try? client.send("hello") }
            }
        }
        if let held = call {
            let action = { (now: Moment) in if now == moment { call = nil } }
            callEverything(held) { _, now in action(now) }
            held.start()
        }
        network.run(for: .seconds(2))
        call = nil
        #expect(caller == nil)
        #expect(callee == nil)
        network.run(for: .seconds(60))
        #expect(network.isIdle)
    }

    @Test("H35: on a real loop, clients that are closed or let go at any point are freed")
    func realLoop() throws {
        let loop = try EventLoop()
        var freed: [() -> Bool] = []
        for round in 0..<60 {
            let call = LoopbackCall(on: loop) { $0.pacing = .server }
            call.start()
            _ = loop.run(until: { false }, atMost: .milliseconds(round % 6))
            if round % 2 == 0 { call.close() }
            for client in call.clients {
                weak let weakly = client
                freed.append { weakly == nil }
            }
        }
        _ = loop.run(until: { false }, atMost: .milliseconds(1))
        #expect(freed.allSatisfy { $0() })
        loop.close()
    }
}
