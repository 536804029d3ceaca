import ICE
import ICETesting
import NetBase
import Testing

@Suite("Addresses that come ahead of their routes, as from DHCP")
struct LateRouteTests {
    let network = SimulatedNetwork(seed: 6)
    let roamer: SimulatedHost
    let call: SimulatedCall

    /// Both are behind NATs that let nobody in unasked, so that the direct way is found by checks from both sides alone.
    init() throws {
        try SimulatedTURNServer(on: network.makeHost("turn", addresses: ["192.0.2.9"]), users: ["user": "secret"])
        let home = network.makeNAT("home", external: ["203.0.113.1"], behavior: .portRestricted)
        roamer = network.makeHost("roamer", addresses: ["10.0.0.2"], behind: home)
        let office = network.makeNAT("office", external: ["203.0.113.2"], behavior: .portRestricted)
        let peer = network.makeHost("peer", addresses: ["10.1.0.2"], behind: office)
        for host in [roamer, peer] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        let urls = ["stun:192.0.2.9", "turn:192.0.2.9"]
        let servers = [try ICEServer(urls: urls, username: "user", credential: "secret")]
        call = SimulatedCall(network, roamer, peer, signallingDelay: .milliseconds(50)) {
            $0.gatheringPolicy = .continually
            $0.servers = servers
        }
    }

    private var isDirect: Bool {
        let pairs = call.clients.map { $0.selectedPair() }
        return pairs.allSatisfy { $0.map { $0.local.kind != .relayed && $0.remote.kind != .relayed } ?? false }
    }

    @Test("C3.6: what can't be sent from a new address at first is sent again, and the call is direct again")
    func direct() throws {
        #expect(call.connect())
        network.run(for: .seconds(5))
        #expect(isDirect)
        call.caller.onRestartNeeded = { [unowned call] _ in call.restart() }
        roamer.interface.removeAddress("10.0.0.2")
        roamer.interface.routedFamilies = []
        roamer.interface.addAddress("10.0.0.3")
        network.schedule(after: .milliseconds(200)) { [roamer] in roamer.interface.routedFamilies = [.v4] }
        let out = call.gap(at: 1, atMost: .seconds(10)) {}
        let back = call.gap(at: 0, atMost: .seconds(10)) {}
        #expect(out + back <= .seconds(3), "\(out) + \(back)")
        // What was nominated over the relay meanwhile is left once the direct pair has proved itself.
        #expect(network.run(until: { isDirect }, atMost: .seconds(30)))
        #expect(call.caller.selectedPair()?.local.relatedAddress?.ip == "10.0.0.3")
        call.close()
    }

    @Test("A TURN server is asked from there, too, though there is another path", arguments: [0, 200, 1_500])
    func relay(_ milliseconds: Int) throws {
        #expect(call.connect())
        network.run(for: .seconds(5))
        let wlan = roamer.addInterface("wlan0", addresses: [])
        if milliseconds > 0 { wlan.routedFamilies = [] }
        wlan.addAddress("203.0.113.50")
        network.schedule(after: .milliseconds(milliseconds)) { wlan.routedFamilies = [.v4] }
        let isThere = { [call] in
            call.caller.localCandidates.contains { $0.kind == .relayed && $0.relatedAddress?.ip == "203.0.113.50" }
        }
        #expect(network.run(until: isThere, atMost: .seconds(4)))
        call.close()
    }
}
