import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("Relays go with the address that they were asked for from")
struct RoamingRelayTests {
    @Test("Another address has a relay of its own, which stands in or is made anew", arguments: [true, false])
    func relays(hasSpare: Bool) throws {
        let network = SimulatedNetwork(seed: 8)
        let turn = network.makeHost("turn", addresses: ["192.0.2.9"])
        let server = try SimulatedTURNServer(on: turn, users: ["user": "secret"])
        let roamer = network.makeHost("roamer", addresses: ["192.0.2.1"])
        let wlan = roamer.addInterface("wlan0", addresses: hasSpare ? ["192.0.2.3"] : [])
        let peer = network.makeHost("peer", addresses: ["192.0.2.2"])
        let servers = [try ICEServer(urls: ["turn:192.0.2.9"], username: "user", credential: "secret")]
        let call = SimulatedCall(network, roamer, peer) {
            $0.gatheringPolicy = .continually
            $0.transportPolicy = .relay
            $0.servers = servers
        }
        var removed: [Candidate] = []
        call.caller.onCandidateRemoved = { removed.append($0) }
        #expect(call.connect())
        network.run(for: .seconds(1))
        let old = try #require(call.caller.selectedPair()).local.address
        let client = try #require(server.allocations.first { $0.relayedAddresses.contains(old) }).client
        for interface in [roamer.interface, wlan] { interface.removeAddress(client.ip) }
        if !hasSpare { wlan.addAddress("192.0.2.3") }
        network.run(for: .seconds(3))
        #expect(removed.map(\.address).contains(old))
        #expect(call.caller.selectedPair()?.local.kind == .relayed)
        #expect(call.caller.selectedPair()?.local.address != old)
        #expect(call.isConnected)
        let before = call.received.map(\.count)
        for client in call.clients { try client.send("over the other relay") }
        network.run(for: .seconds(1))
        #expect(zip(call.received, before).allSatisfy { $0.count > $1 })
        call.close()
    }
}
