import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE
@testable import ICECore

@Suite("Clients that are connected and have nothing to do")
struct IdleClientTests {
    @Test("250 calls that were connected at the same moment do not check in step", arguments: [1, 2])
    func spread(_ seed: UInt64) {
        let (network, a, b) = SimulatedCallTests.hosts(seed, delay: .milliseconds(1))
        let calls = (0..<250).map { _ in SimulatedCall(network, a, b) { $0.pacing = .server } }
        for call in calls { call.start() }
        #expect(network.run(until: { calls.allSatisfy(\.isCompleted) }, atMost: .seconds(5)))
        network.run(for: .seconds(2))
        var histogram: [Int] = []
        for _ in 0..<400 {
            let before = network.counters[.sent]
            network.run(for: .milliseconds(100))
            histogram.append(network.counters[.sent] - before)
        }
        // The first checks come 4 to 6 s after the calls were connected, one side's before 4.4 s: in step, they would be 1,000 packets
        // with their answers.
        #expect(histogram.prefix(60).max() ?? 0 <= 300)
        // From then on, it is as if each call had begun at a moment of its own.
        let settled = histogram.dropFirst(200)
        let mean = Double(settled.reduce(0, +)) / Double(settled.count)
        #expect(15...50 ~= mean)
        #expect(Double(settled.max() ?? 0) < mean * 2.5)
        #expect(settled.min() ?? 0 > 0)
        for call in calls { call.close() }
    }

    /// By how much a count grows in each of some seconds.
    private static func each(of seconds: Int, on network: SimulatedNetwork, _ count: () -> Int) -> [Int] {
        (0..<seconds).map { _ in
            let before = count()
            network.run(for: .seconds(1))
            return count() - before
        }
    }

    @Test(
        "C5.7: 200 calls without consent, which were connected at the same moment, send no keepalives in step",
        arguments: [1, 2], [false, true])
    func keepalives(_ seed: UInt64, _ isLite: Bool) {
        let (network, a, b) = SimulatedCallTests.hosts(seed, delay: .milliseconds(1))
        let calls = (0..<200).map { _ in
            SimulatedCall(network, a, b) {
                $0.pacing = .server
                $0.consentInterval = nil
            } configureCallee: {
                $0.isLite = isLite
            }
        }
        for call in calls { call.start() }
        #expect(network.run(until: { calls.allSatisfy(\.isCompleted) }, atMost: .seconds(5)))
        network.run(for: .seconds(10))
        let all = Self.each(of: 200, on: network) { network.counters[.sent] }
        // In step, it would be 400 a second, one in fifteen; the first ones come within five seconds.
        #expect(all.prefix(20).max() ?? 0 <= 130, "\(all)")
        let settled = all.dropFirst(100)
        #expect(settled.max() ?? 0 <= 60 && settled.min() ?? 0 > 0, "\(settled)")
        #expect(Self.inTwoHundredSeconds.contains(all.reduce(0, +)))
        for call in calls { call.close() }
    }

    @Test("200 calls that were connected at the same moment do not check their backups in step", arguments: [1, 2])
    func backups(_ seed: UInt64) {
        let network = SimulatedNetwork(seed: seed)
        let a = network.makeHost("a", addresses: ["192.0.2.1", "192.0.2.2"])
        let b = network.makeHost("b", addresses: ["198.51.100.1"])
        for host in [a, b] { host.link.setConditions(LinkConditions(delay: .milliseconds(1))) }
        let calls = (0..<200).map { _ in
            SimulatedCall(network, a, b) {
                $0.pacing = .server
                $0.consentInterval = nil
            }
        }
        for call in calls { call.start() }
        #expect(network.run(until: { calls.allSatisfy(\.isCompleted) }, atMost: .seconds(5)))
        #expect(calls.allSatisfy { $0.caller.agent.pairs.count == 2 && $0.callee.agent.pairs.count == 2 })
        let requests = Requests()
        network.interceptor = { packet in
            if STUNMessage.messageClass(of: packet.bytes.span) == .request { requests.count += 1 }
            return .pass
        }
        network.run(for: .seconds(10))
        let all = Self.each(of: 200, on: network) { requests.count }
        #expect(all.prefix(20).max() ?? 0 <= 130, "\(all)")
        let settled = all.dropFirst(100)
        #expect(settled.max() ?? 0 <= 60 && settled.min() ?? 0 > 0, "\(settled)")
        #expect(Self.inTwoHundredSeconds.contains(all.reduce(0, +)))
        for call in calls { call.close() }
    }

    private final class Requests { var count = 0 }

    /// What 400 ends send that send one each 15 to 20 s.
    private static let inTwoHundredSeconds = 400 * 9...400 * 14

    @Test("What was needed to connect is given back: empty lists have no room, and unused addresses are forgotten")
    func retained() {
        let (network, a, b) = SimulatedCallTests.hosts(3)
        let call = SimulatedCall(network, a, b)
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(10)))
        network.run(for: .seconds(60))
        for client in call.clients {
            #expect(client.agent.session.checklists.pairCount == 1)
            #expect(client.agent.session.checks.all.capacity == 0)
            #expect(client.agent.session.nominations.capacity == 0)
            #expect(client.agent.network.usable.isEmpty)
            #expect(client.agent.gatherer.sockets.isEmpty)
            #expect(client.agent.localCandidates.all.count == 1)
            // The list, what was signalled and the pair have one candidate between them.
            #expect(client.agent.session.conveyed == client.agent.localCandidates.all)
        }
        call.close()
    }

    @Test("What stands in lists and pairs and queues by the thousand is small")
    func sizes() {
        #expect(MemoryLayout<Candidate>.size == MemoryLayout<Int>.size)
        #expect(MemoryLayout<LocalCandidate>.size == MemoryLayout<Int>.size)
        #expect(MemoryLayout<CandidatePair>.size <= 80)
        #expect(MemoryLayout<CheckPair>.size <= 400)
        #expect(MemoryLayout<ComponentState>.size <= 128)
        #expect(MemoryLayout<AgentEvent>.size <= 112)
        #expect(MemoryLayout<Effect>.size <= 112)
        #expect(MemoryLayout<ICEAgent>.size <= 976)
    }

    @Test("What a client awaits is late by nothing, though its alarm is not set back for each datagram that comes")
    func alarm() {
        let (network, a, b) = SimulatedCallTests.hosts(4)
        let call = SimulatedCall(network, a, b)
        #expect(call.connect())
        // Data from the peer puts off the look at the path, again and again.
        for _ in 0..<200 {
            try? call.callee.send("data")
            network.run(for: .milliseconds(50))
        }
        #expect(call.received[0].count >= 199)
        let last = network.now
        call.callee.close()
        #expect(network.run(until: { call.caller.state == .disconnected }, atMost: .seconds(10)))
        let silence = network.now - last
        #expect(silence >= .milliseconds(4_900) && silence <= .milliseconds(5_300))
        call.close()
    }
}
