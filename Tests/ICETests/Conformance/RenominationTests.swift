import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE

@Suite("E7: better pairs later")
struct RenominationTests {
    private static func isDirect(_ packet: SimulatedPacket) -> Bool {
        let ends = [packet.source.ip, packet.destination.ip]
        return !ends.contains("192.0.2.10")
    }

    /// A call whose direct paths open only after a while, so that it begins over a relay.
    private func relayedCall(_ configure: (inout ICEConfiguration) -> Void) throws -> (SimulatedCall, [RestartReason]) {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10"])
        let network = scene.network
        let hosts = [
            network.makeHost("a", addresses: ["203.0.113.1"]), network.makeHost("b", addresses: ["203.0.113.2"]),
        ]
        for host in hosts { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        network.interceptor = { Self.isDirect($0) ? .drop : .pass }
        let call = SimulatedCall(network, hosts[0], hosts[1]) {
            $0.servers = [scene.urls]
            configure(&$0)
        }
        var reasons: [RestartReason] = []
        for client in call.clients { client.onRestartNeeded = { reasons.append($0) } }
        #expect(call.connect(atMost: .seconds(10)))
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(15)))
        for client in call.clients { #expect(client.selectedPair()?.isRelayed == true) }
        network.interceptor = nil
        network.run(for: .seconds(60))
        return (call, reasons)
    }

    @Test("With renomination a relayed call moves to the direct path that opens later")
    func toDirect() throws {
        let (call, reasons) = try relayedCall { $0.renomination = true }
        for client in call.clients {
            #expect(client.selectedPair()?.isRelayed == false)
            #expect(client.selectedPair()?.isNominated == true)
        }
        #expect(call.nominated.map(\.count) == [2, 2])
        #expect(reasons.isEmpty && call.isCompleted)
        #expect(call.talk())
    }

    @Test("Without it, both sides are told that a restart would help, once")
    func restartNeeded() throws {
        let (call, reasons) = try relayedCall { _ in }
        #expect(reasons.map(\.code) == [.betterPath, .betterPath])
        #expect(call.clients.allSatisfy { $0.selectedPair()?.isRelayed == true })
    }

    @Test("A call moves to a path that is clearly faster, and stays there")
    func toFaster() throws {
        let network = SimulatedNetwork(seed: 4)
        let hosts = [
            network.makeHost("a", addresses: ["192.0.2.1", "2001:db8::1"]),
            network.makeHost("b", addresses: ["198.51.100.1", "2001:db8::2"]),
        ]
        network.interceptor = { $0.source.family == .v6 ? .delay(.milliseconds(80)) : .pass }
        let call = SimulatedCall(network, hosts[0], hosts[1]) {
            $0.renomination = true
            $0.nomination = .eager
        }
        #expect(call.connect())
        network.run(for: .seconds(3))
        let first = call.nominated[0].count
        network.run(for: .seconds(120))
        #expect(call.clients.allSatisfy { $0.selectedPair()?.remote.address.family == .v4 })
        #expect(call.nominated[0].count <= first + 1)
        let moves = call.nominated.map(\.count)
        network.run(for: .seconds(600))
        #expect(call.nominated.map(\.count) == moves)
    }

    @Test(
        "E7.1: the highest NOMINATION wins, whatever the priority; it counts only where it was agreed",
        arguments: [true, false])
    func numbers(_ isAgreed: Bool) throws {
        let call = try ScriptedCall(role: .controlled) { $0.renomination = isAgreed }
        #expect(call.client.localParameters.options.contains("renomination") == isAgreed)
        let second = try ScriptedPeer(call.network, call.peerHost, at: "198.51.100.1:7001")
        try call.start()
        func nominate(_ peer: ScriptedPeer, _ number: UInt32) {
            peer.sendCheck(to: call.client) {
                $0.role = .controlling
                $0.nominationNumber = number
            }
            call.run(.milliseconds(100))
        }
        nominate(call.peer, 5)
        #expect(call.nominated.isEmpty != isAgreed)
        nominate(second, 4)
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
        nominate(second, 6)
        #expect((call.client.selectedPair()?.remote.address == second.address) == isAgreed)
    }

    @Test("Between relays, data may go before the first answer where the application wants that")
    func presumed() throws {
        let scene = try RelayTests.scene(urls: ["turn:192.0.2.10"])
        let (a, b) = RelayTests.hosts(scene.network, RelayTests.far)
        let call = SimulatedCall(scene.network, a, b) {
            $0.servers = [scene.urls]
            $0.transportPolicy = .relay
            $0.presumesRelaysWritable = true
        }
        call.start()
        var isWritable = false
        #expect(
            scene.network.run(
                until: {
                    isWritable = (try? call.caller.send("early")) != nil
                    return isWritable || call.isConnected
                }, atMost: .seconds(5)))
        #expect(isWritable && call.caller.state == .checking)
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        #expect(call.talk())
    }

    @Test(
        "E7.1: the numbers of the nominations that are sent rise, and there are none where the peer does not want them",
        arguments: [true, false])
    func sentNumbers(_ isAgreed: Bool) throws {
        let call = try ScriptedCall { $0.renomination = true }
        let second = try NominationBugTests.second(call)
        var parameters = call.peer.parameters
        if !isAgreed { parameters.options = ["ice2", "trickle"] }
        try call.start(withCredentials: false)
        try call.client.setRemoteParameters(parameters)
        var costly = call.peer.candidate()
        costly.attributes = [Candidate.Attribute(name: "network-cost", value: "900")]
        call.client.addRemoteCandidate(costly)
        call.client.addRemoteCandidate(second.candidate(foundation: "2", priority: 1000))
        /// The numbers that a peer was told, each once for as long as it was repeated.
        func numbers(_ peer: ScriptedPeer) -> [UInt32] {
            peer.requests.compactMap { $0[STUNMessage.Nomination.self]?.value }.reduce(into: []) { numbers, next in
                if numbers.last != next { numbers.append(next) }
            }
        }
        // To the cheaper network, and back when the peer is not heard there any more.
        call.run(.seconds(60))
        #expect(numbers(call.peer) == (isAgreed ? [1] : []))
        #expect(numbers(second) == (isAgreed ? [2] : []))
        second.answer = { _, _, _ in nil }
        call.run(.seconds(60))
        // The requests that ask after the silent one nominate it as well, so that it follows to a new address.
        let told = [numbers(call.peer), numbers(second)]
        #expect(told.allSatisfy { $0 == $0.sorted() } && Set(told[0]).isDisjoint(with: told[1]))
        #expect((told[0].last ?? 0) > (told[1].last ?? 0) || !isAgreed)
        #expect(told.joined().isEmpty != isAgreed)
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
        // The number stands in USE-CANDIDATE's place.
        let requests = call.peer.requests + second.requests
        #expect(requests.contains { $0[STUNMessage.UseCandidate.self] != nil } != isAgreed)
    }
}
