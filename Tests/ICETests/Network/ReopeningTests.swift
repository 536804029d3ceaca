import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE

/// Both sides behind NATs that let nobody in unasked, so that only what both look for is found.
@Suite("E8.1: paths that die where both sides are behind NATs")
struct ReopeningTests {
    let network = SimulatedNetwork(seed: 6)
    let roamer: SimulatedHost
    let home: SimulatedNAT
    let peer: SimulatedHost
    let servers: [ICEServer]

    init() throws {
        let stun = network.makeHost("stun", addresses: ["192.0.2.9"])
        _ = try SimulatedSTUNServer(on: stun)
        home = network.makeNAT("home", external: ["203.0.113.1"], behavior: .portRestricted)
        roamer = network.makeHost("roamer", addresses: ["10.0.0.2"], behind: home)
        let office = network.makeNAT("office", external: ["203.0.113.2"], behavior: .portRestricted)
        peer = network.makeHost("peer", addresses: ["10.1.0.2"], behind: office)
        servers = [try ICEServer(urls: ["stun:192.0.2.9"])]
        for host in [stun, roamer, peer] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
    }

    private func makeCall(_ role: Role) -> SimulatedCall {
        SimulatedCall(network, roamer, peer, signallingDelay: .milliseconds(50), roles: [role, role.opposite]) {
            $0.gatheringPolicy = .continually
            $0.servers = servers
        }
    }

    /// The longest time without data at either end while both send every 20 ms.
    private func gap(in call: SimulatedCall, after event: () -> Void) -> Duration {
        var last = [network.now, network.now]
        var counts = call.received.map(\.count)
        var longest = Duration.zero
        event()
        for _ in 0..<500 {
            for client in call.clients { try? client.send("on") }
            network.run(for: .milliseconds(20))
            for side in 0...1 where call.received[side].count > counts[side] {
                longest = max(longest, network.now - last[side])
                (last[side], counts[side]) = (network.now, call.received[side].count)
            }
        }
        return last.reduce(longest) { max($0, network.now - $1) }
    }

    @Test(
        "A NAT that gives another address: it is found out, signalled and checked",
        arguments: [Role.controlling, .controlled])
    func rebound(_ role: Role) {
        let call = makeCall(role)
        #expect(call.connect())
        network.run(for: .seconds(5))
        for round in 1...2 {
            let gap = gap(in: call) { home.rebind() }
            #expect(gap <= .milliseconds(1500), "\(round): \(gap)")
        }
        #expect(call.isConnected)
    }

    @Test(
        "The uplink in use becomes a black hole: the other one was kept ready",
        arguments: [Role.controlling, .controlled])
    func blackHole(_ role: Role) throws {
        let carrier = network.makeNAT("carrier", external: ["203.0.113.3"], behavior: .portRestricted)
        let lte = roamer.addInterface("wwan0", addresses: ["10.2.0.2"], behind: carrier, kind: .cellular)
        lte.link.setConditions(LinkConditions(delay: .milliseconds(30)))
        let call = makeCall(role)
        #expect(call.connect())
        network.run(for: .seconds(5))
        #expect(call.caller.selectedPair()?.local.networkCost == 0)
        let gap = gap(in: call) { roamer.link.isCut = true }
        #expect(gap <= .seconds(1), "\(gap)")
        #expect(call.isConnected && call.caller.selectedPair()?.local.networkCost == 900)
    }

    @Test("The peer that is gone for good: after five seconds a restart is asked for, once")
    func gone() {
        let call = makeCall(.controlling)
        var reasons: [RestartReason] = []
        call.caller.onRestartNeeded = { reasons.append($0) }
        #expect(call.connect())
        network.run(for: .seconds(5))
        peer.link.isCut = true
        _ = gap(in: call) {}
        #expect(reasons.map(\.code) == [.pathLost])
        #expect(call.caller.state == .disconnected)
    }

    @Test(
        "A peer's address that the relay did not let in, or no longer, is asked for again when the path in use dies",
        arguments: [true, false])
    func refusedPermission(atFirst: Bool) throws {
        let server = try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["192.0.2.10"]), users: ["user": "secret"])
        let refusal = STUNMessage.ErrorCode(code: 403, reason: "not now")
        if atFirst { server.fail(.createPermission, with: refusal) }
        let other = network.makeHost("other", addresses: ["198.51.100.1", "198.51.100.2"])
        let relays = [try ICEServer(urls: ["turn:192.0.2.10"], username: "user", credential: "secret")]
        let call = SimulatedCall(
            network, roamer, other, signallingDelay: .milliseconds(50),
            configure: {
                $0.gatheringPolicy = .continually
                $0.transportPolicy = .relay
                $0.servers = relays
            },
            configureCallee: {
                $0.transportPolicy = .all
                $0.servers = []
            })
        #expect(call.connect())
        network.run(for: .seconds(5))
        let used = try #require(call.caller.selectedPair()).remote.address
        if !atFirst {
            server.fail(.createPermission, with: refusal)
            network.run(for: .seconds(400))
        }
        #expect(server.counters.errors[403] == 1)
        network.interceptor = { [$0.source.ip, $0.destination.ip].contains(used.ip) ? .drop : .pass }
        #expect(gap(in: call) {} <= .seconds(3))
        #expect(call.caller.selectedPair()?.remote.address.ip != used.ip)
    }
}
