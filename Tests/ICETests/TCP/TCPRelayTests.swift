import ICETesting
import Testing

@testable import ICE

@Suite("Relays beside connections that are being opened")
struct TCPRelayTests {
    @Test(
        "A relay that answers first is not nominated while the peer, or this end, opens a connection",
        arguments: [true, false], [true, false])
    func patience(_ openerControls: Bool, _ isFast: Bool) throws {
        let network = SimulatedNetwork(seed: 81)
        try SimulatedTURNServer(on: network.makeHost("turn", addresses: ["192.0.2.10"]), users: ["user": "secret"])
        let nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: .udpBlocked)
        let inside = network.makeHost("inside", addresses: ["10.0.0.2"], behind: nat)
        let outside = network.makeHost("outside", addresses: ["198.51.100.1"])
        for host in [inside, outside] { host.link.setConditions(LinkConditions(delay: .milliseconds(20))) }
        let server = try ICEServer(urls: ["turn:192.0.2.10?transport=tcp"], username: "user", credential: "secret")
        let roles: [Role] = openerControls ? [.controlling, .controlled] : [.controlled, .controlling]
        let call = SimulatedCall(network, inside, outside, roles: roles) {
            $0.transports = [.udp, .tcp]
            if isFast { $0.pacing = .fast }
            $0.servers = [server]
        }
        // All candidates are there when checks begin, so that a relay needs one round trip, and a connection two.
        for client in call.clients { client.gatherCandidates() }
        network.run(for: .seconds(20))
        for (client, peer) in [(call.caller, call.callee), (call.callee, call.caller)] {
            try client.setRemoteParameters(peer.localParameters)
        }
        for client in call.clients { client.processCandidates() }
        #expect(network.run(until: { call.isCompleted }, atMost: .seconds(10)))
        network.run(for: .seconds(1))
        for client in call.clients {
            let pair = try #require(client.selectedPair())
            #expect(pair.local.transport.isTCP && pair.remote.kind != .relayed, "\(pair)")
        }
        #expect(call.nominated.map(\.count) == [1, 1])
    }
}
