import ICETesting
import Testing

@testable import ICE

@Suite("Events and datagrams that are awaited")
struct ClientStreamTests {
    private func call(seed: UInt64) -> SimulatedCall {
        let network = SimulatedNetwork(seed: seed)
        return SimulatedCall(
            network, network.makeHost("a", addresses: ["192.0.2.1"]), network.makeHost("b", addresses: ["192.0.2.2"]))
    }

    @Test("They tell what the closures tell, in the same order, and end with the client")
    func events() async {
        let call = call(seed: 81)
        let client = call.caller
        var told: [String] = []
        let events = client.events()
        client.onSelectedPairChange = { told.append("selected \($0)") }
        client.onGatheringStateChange = { told.append("gathering \($0)") }
        let onState = client.onStateChange
        client.onStateChange = { state in
            told.append("state \(state)")
            onState?(state)
        }
        #expect(call.connect() && call.talk())
        call.network.run(for: .seconds(1))
        client.close()

        var awaited: [String] = []
        var candidates: [Candidate?] = []
        for await event in events {
            switch event {
            case .candidate(let candidate): candidates.append(candidate)
            case .selectedPair(let pair): awaited.append("selected \(pair)")
            case .gatheringState(let state): awaited.append("gathering \(state)")
            case .state(let state, let failure):
                awaited.append("state \(state)")
                #expect(failure == nil)
            case .candidateRemoved, .candidateError, .pairNominated, .pairFailed, .restartNeeded, .accessTokenNeeded:
                break
            }
        }
        #expect(awaited == told && told.contains("state completed"))
        #expect(candidates.count == 2 && candidates.last == .some(nil))
    }

    @Test("Datagrams come with their component; beyond the limit the later ones are lost")
    func datagrams() async throws {
        let call = call(seed: 82)
        let all = call.callee.datagrams()
        let few = call.callee.datagrams(limit: 2)
        #expect(call.connect())
        for number in UInt8(1)...5 {
            try call.caller.send([number])
            call.network.run(for: .milliseconds(10))
        }
        call.callee.close()
        var received: [UInt8] = []
        for await datagram in all {
            #expect(datagram.path == .first)
            received += datagram.bytes
        }
        #expect(received == [1, 2, 3, 4, 5])
        var first: [UInt8] = []
        for await datagram in few { first += datagram.bytes }
        #expect(first == [1, 2])
    }

    @Test("A state that failed says why")
    func failure() async {
        let call = call(seed: 83)
        let events = call.caller.events()
        #expect(call.connect())
        call.callee.close()
        call.network.run(until: { call.caller.state == .failed }, atMost: .seconds(60))
        call.network.run(for: .seconds(1))
        call.caller.close()
        var failures: [ICEFailure?] = []
        for await case .state(.failed, let failure) in events { failures.append(failure) }
        #expect(failures.map(\.?.code) == [.consentExpired])
    }

    @Test("Several sequences are told the same; one of a closed client, or of one that is let go, has ended")
    func ends() async {
        let call = call(seed: 84)
        let sequences = [call.caller.events(), call.caller.events()]
        call.caller.gatherCandidates()
        call.network.run(for: .seconds(1))
        call.caller.close()
        var counts: [Int] = []
        for events in sequences {
            var count = 0
            for await _ in events { count += 1 }
            counts.append(count)
        }
        #expect(counts[0] > 2 && counts[0] == counts[1])
        for await _ in call.caller.events() { Issue.record("an event after close()") }
        for await _ in call.caller.datagrams() { Issue.record("a datagram after close()") }

        var client: ICEClient? = ICEClient(on: call.network.makeHost("c", addresses: ["192.0.2.3"]))
        let events = client?.events()
        client = nil
        if let events { for await _ in events { Issue.record("an event of a client that is gone") } }
    }

    @Test("Who does not await any more is forgotten")
    func forgotten() async {
        let call = call(seed: 85)
        do {
            let events = call.caller.events()
            let task = Task { for await _ in events {} }
            task.cancel()
            await task.value
        }
        call.caller.gatherCandidates()
        call.network.run(for: .seconds(1))
        #expect(call.caller.eventStreams.isEmpty)
    }

    @Test("Events that nobody fetches end their sequence at its limit, without a gap; the client goes on")
    func limit() async {
        let call = call(seed: 86)
        let (few, all) = (call.caller.events(limit: 3), call.caller.events())
        #expect(call.connect() && call.talk())
        #expect(call.caller.eventStreams.count == 1)
        // It has ended, though the client is open.
        var first: [String] = []
        for await event in few { first.append("\(event)") }
        #expect(!call.caller.isClosed)
        call.caller.close()
        var told: [String] = []
        for await event in all { told.append("\(event)") }
        #expect(told.count > 3 && first == Array(told.prefix(3)))
    }
}
