import ICE
import ICETesting
import NetBase
import Testing

@Suite("One connection takes the place of another (RFC 6544 §8, §11.1)")
struct TCPTakeoverTests {
    private static func overTCP(_ configuration: inout ICEConfiguration) {
        configuration.transports = .tcp
        configuration.pacing = .fast
    }

    /// Lets both sides send numbered texts for as long as something takes; what could not be sent is not counted.
    private func stream(_ call: SimulatedCall, for duration: Duration) -> [[String]] {
        var sent: [[String]] = [[], []]
        let end = call.network.now + duration
        while call.network.now < end {
            for (index, client) in call.clients.enumerated() {
                let text = "\(call.network.now) \(index)"
                if (try? client.send(text)) != nil { sent[index].append(text) }
            }
            call.network.run(for: .milliseconds(1))
        }
        return sent
    }

    @Test("What was sent over a connection before another one was selected arrives", arguments: [0, 3, 7, 20])
    func earlyData(_ signallingDelay: Int) {
        let (network, a, b) = SimulatedCallTests.hosts(31)
        for host in [a, b] { host.link.setConditions(LinkConditions(delay: .milliseconds(20))) }
        let delay = Duration.milliseconds(signallingDelay)
        let call = SimulatedCall(network, a, b, signallingDelay: delay, configure: Self.overTCP)
        call.start()
        let sent = stream(call, for: .seconds(1))
        network.run(for: .seconds(1))
        #expect(call.isCompleted && sent.allSatisfy { $0.count > 500 })
        #expect(Set(sent[0]).subtracting(call.received[1]).isEmpty)
        #expect(Set(sent[1]).subtracting(call.received[0]).isEmpty)
    }

    @Test(
        "E4.3: over a connection that is opened again, data goes on at once, whoever controls",
        arguments: [true, false])
    func takeover(_ openerControls: Bool) throws {
        let network = SimulatedNetwork(seed: 32)
        let nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: .udpBlocked)
        let inside = network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
        let outside = network.makeHost("outside", addresses: ["198.51.100.1"])
        for host in [inside, outside] { host.link.setConditions(LinkConditions(delay: .milliseconds(5))) }
        let roles: [Role] = openerControls ? [.controlling, .controlled] : [.controlled, .controlling]
        let call = SimulatedCall(network, inside, outside, roles: roles, configure: Self.overTCP)
        #expect(call.connect())
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        network.run(for: .seconds(5))
        for connection in inside.connections { connection.breakOff() }
        // The connection, the opener's check and the one that it leads to take a round trip of 20 ms each.
        network.run(for: .milliseconds(100))
        let sent = stream(call, for: .milliseconds(100))
        network.run(for: .milliseconds(100))
        for (texts, received) in zip(sent, call.received.reversed()) {
            #expect(texts.count == 100 && Set(texts).isSubset(of: received))
        }
        network.run(for: .seconds(5))
        #expect(call.isCompleted && inside.connections.count == 1 && outside.connections.count == 1)
    }
}
