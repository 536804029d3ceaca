import ICE
import ICETesting
import Testing

@Suite("Calls on the simulated network")
struct SimulatedCallTests {
    static func hosts(
        _ seed: UInt64, delay: Duration = .milliseconds(25)
    ) -> (SimulatedNetwork, SimulatedHost, SimulatedHost) {
        let network = SimulatedNetwork(seed: seed)
        let a = network.makeHost("a", addresses: ["192.0.2.1"])
        let b = network.makeHost("b", addresses: ["198.51.100.1"])
        for host in [a, b] { host.link.setConditions(LinkConditions(delay: delay)) }
        return (network, a, b)
    }

    @Test("Both sides are connected after one round trip, and nominated after two and one Ta", arguments: [5, 25, 75])
    func standardTiming(_ oneWay: Int) throws {
        let (network, a, b) = Self.hosts(1, delay: .milliseconds(oneWay))
        let roundTrip = Duration.milliseconds(4 * oneWay)
        let call = SimulatedCall(network, a, b)
        #expect(call.connect())
        #expect(network.run(until: { !call.nominatedAt.contains(nil) }, atMost: .seconds(5)))
        let start = try #require(call.introducedAt)
        for side in 0...1 {
            #expect(try #require(call.connectedAt[side]) - start <= roundTrip + .milliseconds(10))
            #expect(try #require(call.nominatedAt[side]) - start <= roundTrip * 2 + .milliseconds(50))
        }
        #expect(call.talk())
    }

    @Test("With the fast profile and eager nomination one round trip is all", arguments: [5, 25, 75])
    func eagerTiming(_ oneWay: Int) throws {
        let (network, a, b) = Self.hosts(1, delay: .milliseconds(oneWay))
        let call = SimulatedCall(network, a, b) {
            $0.pacing = .fast
            $0.nomination = .eager
        }
        #expect(call.connect())
        #expect(network.run(until: { !call.nominatedAt.contains(nil) }, atMost: .seconds(5)))
        let start = try #require(call.introducedAt)
        for side in 0...1 {
            #expect(try #require(call.nominatedAt[side]) - start <= .milliseconds(4 * oneWay) + .milliseconds(10))
        }
        #expect(call.talk())
    }

    static let roles: [[Role]] = [
        [.controlling, .controlled], [.controlled, .controlling], [.controlling, .controlling],
        [.controlled, .controlled],
    ]

    @Test("H1: whatever roles they start with, they end with one of each", arguments: roles)
    func roleConflict(_ roles: [Role]) {
        let (network, a, b) = Self.hosts(3)
        let call = SimulatedCall(network, a, b, roles: roles)
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        #expect(call.caller.role != call.callee.role)
        #expect(call.talk())
    }

    @Test("H40: with 30 % loss, reordering and duplication every call connects", arguments: 0..<2)
    func lossy(_ block: Int) {
        let fresh = UInt64.random(in: 1000...UInt64.max - 1000)
        let seeds = block == 0 ? Array(1...200) : (0..<200).map { fresh + UInt64($0) }
        for seed in seeds {
            let (network, a, b) = Self.hosts(seed)
            for host in [a, b] {
                host.link.outgoing = LinkConditions(
                    delay: .milliseconds(20), jitter: .milliseconds(10), loss: 0.3, duplication: 0.1, reordering: 0.1)
            }
            let call = SimulatedCall(network, a, b)
            #expect(call.connect(), "seed \(seed)")
            #expect(network.run(until: { call.isCompleted }, atMost: .seconds(60)), "seed \(seed)")
            #expect(call.talk(), "seed \(seed)")
        }
    }
}
