import Foundation
import ICETesting
import Testing

@testable import ICE

/// Seeds 1 to 300 unless told otherwise: `RANDOM_CALLS=5000` takes as many, from a seed of chance that a failure names, and
/// `RANDOM_CALLS_SEED=17` begins there.
@Suite("H40: random calls")
struct RandomCallTests {
    static let count = ProcessInfo.processInfo.environment["RANDOM_CALLS"].flatMap(Int.init)
    static let firstSeed = ProcessInfo.processInfo.environment["RANDOM_CALLS_SEED"].flatMap(UInt64.init)

    @Test("H40: whatever lies between and happens, a random call ends as it must")
    func calls() throws {
        let first = Self.firstSeed ?? (Self.count == nil ? 1 : UInt64.random(in: 1_000_000...UInt64.max / 2))
        for seed in first..<first + UInt64(max(1, Self.count ?? 300)) { try run(seed) }
    }

    func run(_ seed: UInt64) throws {
        let scenario = RandomScenario(seed: seed)
        weak var network: SimulatedNetwork?
        var freed: [() -> Bool] = []
        do {
            let call = try RandomCall(scenario)
            network = call.network
            freed = call.clients.map { client in { [weak client] in client == nil } }
            let faults = Judge(call).faults()
            if !faults.isEmpty {
                let journal = call.journal.suffix(60).joined(separator: "\n")
                Issue.record("\(faults.joined(separator: "\n"))\n\(scenario)\n\(journal)")
            }
        }
        if !freed.allSatisfy({ $0() }) { Issue.record("a client is still there\n\(scenario)") }
        if network != nil { Issue.record("the network is still there\n\(scenario)") }
    }

    /// Lets a call take its course and tells what was wrong with it.
    struct Judge {
        let call: RandomCall
        private var scenario: RandomScenario { call.scenario }
        private var network: SimulatedNetwork { call.network }

        init(_ call: RandomCall) { self.call = call }

        private var open: [ICEClient] { call.clients.filter { $0.state != .closed } }
        private var isCompleted: Bool { open.allSatisfy { $0.state == .completed } }
        private var isConnected: Bool { open.allSatisfy { $0.state == .completed || $0.state == .connected } }
        private var hasFailed: Bool { open.allSatisfy { $0.state == .failed } }

        func faults() -> [String] {
            call.start()
            network.run(for: scenario.calmAfter)
            // What was done to the path is known to both when consent has run out.
            if scenario.isHarmed { network.run(for: .seconds(45)) }
            var faults: [String] = []
            faults += course()
            if !faults.isEmpty { faults += call.pairs }
            if call.busiestSecond > 1500 { faults.append("\(call.busiestSecond) packets in a second") }
            for states in call.states where !zip(states, states.dropFirst()).allSatisfy({ $0 != $1 }) {
                faults.append("a state is told twice: \(states)")
            }
            call.close()
            network.run(for: .seconds(4000))
            if !network.isIdle { faults.append("something is still going to happen") }
            call.letGo()
            return faults + call.faults
        }

        private func course() -> [String] {
            guard open.count == 2 else {
                // Without the peer's credentials it waits for them as long as the application lets it.
                guard let left = open.first, left.remoteParameters != nil else { return [] }
                let ended = network.run(until: { left.state == .failed }, atMost: .seconds(1500))
                return ended ? [] : ["alone, and \(left.state)"]
            }
            // Pairs of one foundation are checked one after the other, for half a minute each where a server died.
            let patience = scenario.isHarmed ? 1500 : 400
            let ended = network.run(until: { isCompleted || hasFailed }, atMost: .seconds(patience))
            // A controlled side that lost its path and found another is connected until the other side nominates again.
            let mayBeHalf = scenario.isHarmed || scenario.loss > 0.05
            let hasEnded = ended || (mayBeHalf && network.run(until: { isConnected }, atMost: .seconds(60)))
            return hasEnded ? end() : ["no end: \(call.clients.map(\.state))"]
        }

        private func end() -> [String] {
            if hasFailed { return scenario.outcome == .connects ? ["failed: \(reasons)"] : [] }
            var faults: [String] = []
            if scenario.outcome == .fails { faults.append("connected against all expectation") }
            if call.clients[0].role == call.clients[1].role { faults.append("both are \(call.clients[0].role)") }
            if !call.talk(atMost: .seconds(30)) { faults.append("no data passes") }
            // The nomination may be on its way still, and be lost a few times.
            network.run(for: .seconds(scenario.loss > 0 ? 20 : 3))
            // Where much is lost, each side moves to a backup now and then, and tells the other, which takes its time.
            if scenario.loss > 0 { network.run(until: { mirror().isEmpty }, atMost: .seconds(120)) }
            faults += mirror()
            call.resetBusiestSecond()
            let lostPaths = call.lostPaths
            network.run(for: .seconds(40))
            // Whoever loses a path looks for another.
            if call.busiestSecond > scenario.quietLimit, call.lostPaths == lostPaths {
                faults.append("\(call.busiestSecond) packets in a second of silence")
            }
            if scenario.loss <= 0.05, scenario.outcome == .connects, !isCompleted {
                faults.append("did not stay: \(call.clients.map(\.state))")
            }
            return faults
        }

        private var reasons: String {
            call.clients.map { $0.failure.map(\.description) ?? "-" }.joined(separator: " | ")
        }

        /// Both ends use the same pair, unless one of them has just lost it.
        private func mirror() -> [String] {
            guard call.lostPaths == 0, isCompleted, !scenario.isHarmed else { return [] }
            return call.paths.compactMap { path -> String? in
                guard let a = call.clients[0].selectedPair(of: path), let b = call.clients[1].selectedPair(of: path)
                else { return "component \(path) has no pair" }
                if !a.isNominated || !b.isNominated {
                    // Where answers get lost, a backup stands in for the nominated pair for a while, at one end.
                    return scenario.loss > 0 ? nil : "component \(path) uses a pair that nobody nominated"
                }
                let isMirrored = a.local.address == b.remote.address && a.remote.address == b.local.address
                return isMirrored ? nil : "component \(path) is split: \(a) against \(b)"
            }
        }
    }
}
