import ICETesting
import NetBase
import Testing

@Suite("Virtual time leaps and keeps its order")
struct TimeTests {
    let network = SimulatedNetwork(seed: 1)
    let host: SimulatedHost

    init() {
        host = network.makeHost("a", addresses: ["192.0.2.1"])
    }

    @Test("Alarms fire in the order of their instants, at exactly those, and equal ones in the order of setting")
    func alarms() {
        var fired: [String] = []
        let alarms = ["a", "b", "c", "d"].map { name in
            host.makeAlarm { [network] in fired.append("\(name) \(network.now)") }
        }
        for (alarm, milliseconds) in zip(alarms, [30, 10, 30, 20]) {
            alarm.set(for: Instant(nanoseconds: Int64(milliseconds) * 1_000_000))
        }
        alarms[0].set(for: Instant(nanoseconds: 5_000_000))
        alarms[3].cancel()
        #expect(fired.isEmpty)
        network.run(for: .seconds(1))
        #expect(fired == ["a 0.005", "b 0.010", "c 0.030"])
        #expect(network.isIdle)
    }

    @Test("An alarm for a past instant fires on the next turn, a closed one never, a used one can be set again")
    func alarmStates() {
        network.run(for: .seconds(5))
        var count = 0
        let alarm = host.makeAlarm { count += 1 }
        alarm.set(for: Instant(nanoseconds: 1))
        network.run(for: .zero)
        #expect(count == 1)
        #expect(network.now == Instant(nanoseconds: 5_000_000_000))
        alarm.set(for: network.now + .seconds(1))
        network.run(for: .seconds(2))
        #expect(count == 2)
        alarm.set(for: network.now)
        alarm.close()
        alarm.set(for: network.now)
        network.run(for: .seconds(1))
        #expect(count == 2)
    }

    @Test("Alarms that are moved very often leave nothing behind")
    func movedAlarm() {
        let alarm = host.makeAlarm {}
        for second in 1...10_000 { alarm.set(for: Instant(nanoseconds: 0) + .seconds(second)) }
        #expect(!network.isIdle)
        alarm.cancel()
        #expect(network.isIdle)
    }

    @Test("Enqueued work runs on later turns of the same instant, in order")
    func enqueueing() {
        var order: [Int] = []
        host.enqueue {
            order.append(1)
            host.enqueue { order.append(3) }
        }
        host.enqueue { order.append(2) }
        #expect(order.isEmpty)
        network.run(for: .zero)
        #expect(order == [1, 2, 3])
        #expect(network.now == Instant(nanoseconds: 0))
    }

    @Test("Running until a condition stops right there, and a condition that never holds costs the whole span")
    func running() {
        var done = false
        network.schedule(after: .seconds(3)) { done = true }
        network.schedule(after: .seconds(4)) { done = false }
        #expect(network.run(until: { done }, atMost: .seconds(10)))
        #expect(network.now == Instant(nanoseconds: 3_000_000_000))
        #expect(!network.run(until: { false }, atMost: .seconds(10)))
        #expect(network.now == Instant(nanoseconds: 13_000_000_000))
    }

    @Test("An endless loop without delay is caught")
    func endlessLoop() async {
        await #expect(processExitsWith: .failure) {
            let network = SimulatedNetwork(seed: 1)
            network.turnLimit = 1000
            let host = network.makeHost("a")
            func again() { host.enqueue { again() } }
            again()
            network.run(for: .seconds(1))
        }
    }

    @Test("As many turns as the limit allows are no endless loop, for each instant anew")
    func busyInstants() {
        network.turnLimit = 100
        var count = 0
        for second in 1...3 {
            for _ in 0..<100 { network.schedule(after: .seconds(second)) { count += 1 } }
        }
        network.run(for: .seconds(5))
        #expect(count == 300)
    }
}

@Suite("Names are looked up on the network")
struct NameTests {
    let network = SimulatedNetwork(seed: 1)
    let host: SimulatedHost

    init() {
        host = network.makeHost("a")
        network.names["Stun.example.org"] = ["192.0.2.1", "2001:db8::1"]
        network.names.fail("slow.example.org", with: .timedOut)
        network.names.delay = .milliseconds(25)
    }

    @Test(
        "A look-up gives the addresses, a literal itself, and failures their code",
        arguments: [
            ("stun.example.org", "192.0.2.1 2001:db8::1"), ("2001:db8::5", "2001:db8::5"),
            ("slow.example.org", "timedOut"), ("nobody.example.org", "nameNotFound"),
        ])
    func lookUp(_ name: String, _ expected: String) throws {
        var answers: [String] = []
        _ = try host.resolve(name) { result in
            switch result {
            case .success(let addresses): answers.append(addresses.map(\.description).joined(separator: " "))
            case .failure(let error): answers.append(error.code.description)
            }
        }
        network.run(for: .milliseconds(24))
        #expect(answers.isEmpty)
        network.run(for: .seconds(1))
        #expect(answers == [expected])
    }

    @Test("A look-up that was cancelled does not answer")
    func cancelling() throws {
        var answered = false
        let lookUp = try host.resolve("stun.example.org") { _ in answered = true }
        lookUp.cancel()
        network.run(for: .seconds(1))
        #expect(!answered)
    }
}

@Suite("The pacing governor gives out slots")
struct GovernorTests {
    @Test("A slot is taken once, and whoever comes too early is given the next one")
    func slots() {
        let network = SimulatedNetwork(seed: 1)
        let governor = network.makeHost("a").pacingGovernor
        let start = Instant(nanoseconds: 0)
        #expect(governor.claim(at: start, spacing: .milliseconds(5)) == nil)
        #expect(governor.claim(at: start + .milliseconds(2), spacing: .milliseconds(5)) == start + .milliseconds(5))
        // That one has an owner now.
        #expect(governor.claim(at: start + .milliseconds(5), spacing: .milliseconds(5)) == start + .milliseconds(10))
        #expect(governor.claim(at: start + .milliseconds(15), spacing: .milliseconds(5)) == nil)
        #expect(network.makeHost("b").pacingGovernor.claim(at: start, spacing: .milliseconds(5)) == nil)
    }
}
