import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE

/// Paths that die in the middle of a call: noticed, asked after, replaced.
@Suite("C5.6, G6, E8.1: signs of life")
struct LivenessTests {
    /// Sends numbered datagrams from a client until the last of a run has arrived; gives the longest time without one.
    private func longestGap(
        _ call: SimulatedCall, from sender: Int, to receiver: Int, every interval: Duration = .milliseconds(20),
        for span: Duration, afterStart fault: () -> Void
    ) -> Duration {
        var lastCount = call.received[receiver].count
        var lastArrival = call.network.now
        var longest = Duration.zero
        let end = call.network.now + span
        fault()
        while call.network.now < end {
            try? call.clients[sender].send("data")
            try? call.clients[receiver].send("data")
            call.network.run(for: interval)
            if call.received[receiver].count > lastCount {
                longest = max(longest, call.network.now - lastArrival)
                (lastCount, lastArrival) = (call.received[receiver].count, call.network.now)
            }
        }
        return max(longest, call.network.now - lastArrival)
    }

    @Test(
        "G6: five seconds after the peer fell silent the client is disconnected, whenever that happens",
        arguments: 0..<12)
    func silence(_ phase: Int) {
        let network = SimulatedNetwork(seed: UInt64(phase))
        let call = SimulatedCall(
            network, network.makeHost("a", addresses: ["192.0.2.1"]), network.makeHost("b", addresses: ["198.51.100.1"])
        )
        #expect(call.connect())
        network.run(for: .milliseconds(60_000 + phase * 411))
        #expect(!call.states.joined().contains(.disconnected))
        call.callee.close()
        let start = network.now
        #expect(network.run(until: { call.caller.state == .disconnected }, atMost: .seconds(6)))
        #expect(network.now - start <= .milliseconds(5000))
    }

    @Test(
        "Half a second after data that nothing comes back for, the peer is asked, however long the call was idle",
        arguments: 0..<10)
    func askedAfterData(_ phase: Int) throws {
        let network = SimulatedNetwork(seed: UInt64(phase))
        let call = SimulatedCall(
            network, network.makeHost("a", addresses: ["192.0.2.1"]), network.makeHost("b", addresses: ["198.51.100.1"])
        )
        #expect(call.connect())
        network.run(for: .milliseconds(1000 + phase * 711))
        var askedAt: Instant?
        network.interceptor = { packet in
            if packet.sender == "a", STUNMessage.looksLikeSTUN(packet.bytes.span) { askedAt = askedAt ?? network.now }
            return .drop
        }
        let start = network.now
        try call.caller.send("into the void")
        network.run(for: .seconds(2))
        #expect(try #require(askedAt) - start <= .milliseconds(500))
    }

    @Test("An idle call costs each side its consent checks and hardly more")
    func idle() {
        let network = SimulatedNetwork(seed: 5)
        let call = SimulatedCall(
            network, network.makeHost("a", addresses: ["192.0.2.1"]), network.makeHost("b", addresses: ["198.51.100.1"])
        )
        #expect(call.connect())
        network.run(for: .seconds(10))
        let before = network.counters[.sent]
        network.run(for: .seconds(600))
        // Two sides, each 120 checks and 120 answers at 5 s each.
        #expect(network.counters[.sent] - before <= 480 * 5 / 4)
    }

    @Test("A NAT that forgets is recovered within a second while data flows", arguments: [0, 1])
    func rebinding(_ natted: Int) {
        let network = SimulatedNetwork(seed: 3)
        let nat = network.makeNAT("nat", external: ["203.0.113.1"])
        let inside = network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
        let outside = network.makeHost("outside", addresses: ["198.51.100.1"])
        let call = SimulatedCall(network, natted == 0 ? inside : outside, natted == 0 ? outside : inside)
        #expect(call.connect())
        network.run(for: .seconds(3))
        let gap = longestGap(call, from: natted, to: 1 - natted, for: .seconds(5)) { nat.rebind() }
        #expect(gap <= .seconds(1), "\(gap)")
        let back = longestGap(call, from: 1 - natted, to: natted, for: .seconds(5)) { nat.rebind() }
        #expect(back <= .seconds(1), "\(back)")
        #expect(!call.states.joined().contains(.disconnected) && !call.states.joined().contains(.failed))
        #expect(call.isConnected)
    }

    @Test("A black hole on the pair in use sends the data over a backup within a second", arguments: [0, 1])
    func blackHole(_ side: Int) throws {
        let network = SimulatedNetwork(seed: 4)
        let hosts = [
            network.makeHost("a", addresses: ["192.0.2.1", "2001:db8::1"]),
            network.makeHost("b", addresses: ["198.51.100.1", "2001:db8::2"]),
        ]
        let call = SimulatedCall(network, hosts[0], hosts[1])
        #expect(call.connect())
        network.run(for: .seconds(3))
        let family = try #require(call.caller.selectedPair()).remote.address.family
        let gap = longestGap(call, from: side, to: 1 - side, for: .seconds(5)) {
            network.interceptor = { $0.source.family == family ? .drop : .pass }
        }
        #expect(gap <= .seconds(1), "\(gap)")
        for client in call.clients { #expect(client.selectedPair()?.remote.address.family != family) }
        #expect(call.caller.selectedPair()?.isNominated == true)
        #expect(!call.states.joined().contains(.disconnected))
    }

    @Test("Loss alone moves no call to another pair", arguments: 0..<8)
    func steadiness(_ seed: UInt64) throws {
        let network = SimulatedNetwork(seed: seed)
        let hosts = [
            network.makeHost("a", addresses: ["192.0.2.1", "2001:db8::1"]),
            network.makeHost("b", addresses: ["198.51.100.1", "2001:db8::2"]),
        ]
        let call = SimulatedCall(network, hosts[0], hosts[1])
        #expect(call.connect())
        network.run(for: .seconds(3))
        for host in hosts { host.link.setConditions(LinkConditions(delay: .milliseconds(20), loss: 0.05)) }
        let before = call.caller.selectedPair()
        _ = longestGap(call, from: 0, to: 1, for: .seconds(120)) {}
        #expect(call.caller.selectedPair() == before)
    }

    @Test("A probe is a whole check, sent half a second after data that nothing has come back for")
    func probe() throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.run(.milliseconds(200))
        let count = call.peer.requests.count
        let start = call.network.now
        try call.client.send("anybody?")
        call.run(.milliseconds(520))
        let probes = call.peer.requests[count...]
        #expect(probes.count == 1)
        #expect(probes.first?[STUNMessage.Username.self] != nil)
        #expect(probes.first?[STUNMessage.UseCandidate.self] != nil, "a peer that sees a new address is to follow")
        let sentAt = try #require(call.peer.requestTimes.last)
        #expect(sentAt - start >= .milliseconds(500))
    }
}
