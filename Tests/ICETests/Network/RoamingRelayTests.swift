import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("Relays go with the address that they were asked for from")
struct RoamingRelayTests {
    @Test(
        "Another address has a relay of its own, which stands in or is made anew", arguments: [true, false],
        ["turn:192.0.2.9", "turn:192.0.2.9?transport=tcp"])
    func relays(hasSpare: Bool, _ url: String) throws {
        let network = SimulatedNetwork(seed: 8)
        let turn = network.makeHost("turn", addresses: ["192.0.2.9"])
        let server = try SimulatedTURNServer(on: turn, users: ["user": "secret"])
        let roamer = network.makeHost("roamer", addresses: ["192.0.2.1"])
        let wlan = roamer.addInterface("wlan0", addresses: hasSpare ? ["192.0.2.3"] : [])
        let peer = network.makeHost("peer", addresses: ["192.0.2.2"])
        let servers = [try ICEServer(urls: [url], username: "user", credential: "secret")]
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

    @Test(
        "A NAT that forgets the way to a relay costs a call over it no more than three seconds",
        arguments: [Role.controlling, .controlled], ["turn:192.0.2.9", "turn:192.0.2.9?transport=tcp"])
    func rebound(_ role: Role, _ url: String) throws {
        let network = SimulatedNetwork(seed: 8)
        let server = try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["192.0.2.9"]), users: ["user": "secret"])
        let nat = network.makeNAT("home", external: ["203.0.113.1"], behavior: .symmetric)
        let roamer = network.makeHost("roamer", addresses: ["10.0.0.2"], behind: nat)
        let peer = network.makeHost("peer", addresses: ["192.0.2.2"])
        for host in [roamer, peer] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        let servers = [try ICEServer(urls: [url], username: "user", credential: "secret")]
        let call = SimulatedCall(
            network, roamer, peer, signallingDelay: .milliseconds(50), roles: [role, role.opposite],
            configure: {
                $0.gatheringPolicy = .continually
                $0.transportPolicy = .relay
                $0.servers = servers
            }, configureCallee: { $0.transportPolicy = .all })
        #expect(call.connect())
        network.run(for: .seconds(5))
        let old = try #require(call.caller.selectedPair()).local
        #expect(old.kind == .relayed)
        for _ in 0..<2 {
            let outwards = call.gap(at: 1, atMost: .seconds(10)) { nat.rebind() }
            let inwards = call.gap(at: 0, atMost: .seconds(10)) {}
            #expect(outwards + inwards <= .seconds(3), "\(outwards) + \(inwards)")
            network.run(for: .seconds(10))
        }
        #expect(call.isConnected && call.caller.selectedPair()?.local != old)
        // The peer's, and those that the NAT has cut off, which the server keeps until they run out.
        #expect(server.allocations.count <= 4)
        call.close()
    }

    @Test(
        "B3.5: with a ticket the relayed address stays, though a NAT has given the client another; where that is forbidden, a relay is made without",
        arguments: [TURNMobility.allowed, .forbidden, .unknown])
    func mobility(_ mobility: TURNMobility) throws {
        let network = SimulatedNetwork(seed: 8)
        let server = try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["192.0.2.9"]), users: ["user": "secret"])
        server.settings.mobility = mobility
        let nat = network.makeNAT("home", external: ["203.0.113.1"], behavior: .symmetric)
        let roamer = network.makeHost("roamer", addresses: ["10.0.0.2"], behind: nat)
        let peer = network.makeHost("peer", addresses: ["192.0.2.2"])
        for host in [roamer, peer] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        let servers = [try ICEServer(urls: ["turn:192.0.2.9"], username: "user", credential: "secret")]
        let call = SimulatedCall(
            network, roamer, peer,
            configure: {
                $0.transportPolicy = .relay
                $0.relayMobility = true
                $0.servers = servers
            },
            configureCallee: {
                $0.transportPolicy = .all
                $0.servers = []
            })
        var restarts = 0
        call.caller.onRestartNeeded = { _ in restarts += 1 }
        #expect(call.connect())
        network.run(for: .seconds(5))
        let relayed = try #require(call.caller.selectedPair()).local.address
        #expect(server.counters.errors[405, default: 0] == (mobility == .forbidden ? 1 : 0))
        for round in 1...3 {
            let both =
                call.gap(at: 1, atMost: .seconds(5)) { nat.rebind() }
                + call.gap(at: 0, atMost: .seconds(5)) {}
            guard mobility == .allowed else { break }
            #expect(both <= .milliseconds(1200), "\(round): \(both)")
            #expect(call.caller.selectedPair()?.local.address == relayed)
            network.run(for: .seconds(400))
        }
        #expect((restarts == 0) == (mobility == .allowed))
        #expect(server.allocations.count == 1)
    }

    @Test(
        "B3.5: with a ticket the relayed address stays, though the host's own address is another; without, a relay is made anew",
        arguments: ["turn:192.0.2.9", "turn:192.0.2.9?transport=tcp"], [true, false])
    func readdressed(_ url: String, isMobile: Bool) throws {
        let network = SimulatedNetwork(seed: 8)
        let server = try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["192.0.2.9"]), users: ["user": "secret"])
        server.settings.mobility = .allowed
        let roamer = network.makeHost("roamer", addresses: ["192.0.2.20"])
        let peer = network.makeHost("peer", addresses: ["192.0.2.2"])
        for host in [roamer, peer] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        let servers = [try ICEServer(urls: [url], username: "user", credential: "secret")]
        let call = SimulatedCall(
            network, roamer, peer,
            configure: {
                $0.transportPolicy = .relay
                $0.gatheringPolicy = .continually
                $0.relayMobility = isMobile
                $0.servers = servers
            },
            configureCallee: {
                $0.transportPolicy = .all
                $0.servers = []
            })
        var restarts = 0
        var removed: [Candidate] = []
        call.caller.onRestartNeeded = { _ in restarts += 1 }
        call.caller.onCandidateRemoved = { removed.append($0) }
        #expect(call.connect())
        network.run(for: .seconds(5))
        let relayed = try #require(call.caller.selectedPair()).local.address
        for round in 1...3 {
            let both =
                call.gap(at: 1, atMost: .seconds(5)) {
                    roamer.interface.removeAddress(IPAddress(v4: 0xc000_0213 + UInt32(round)))
                    network.schedule(after: .milliseconds(200)) {
                        roamer.interface.addAddress(IPAddress(v4: 0xc000_0214 + UInt32(round)))
                    }
                } + call.gap(at: 0, atMost: .seconds(5)) {}
            guard isMobile else { break }
            #expect(both <= .milliseconds(600), "\(round): \(both)")
            #expect(call.caller.selectedPair()?.local.address == relayed)
            network.run(for: .seconds(400))
            try call.caller.send("still over it")
        }
        #expect((restarts == 0) == isMobile && removed.isEmpty == isMobile)
        if isMobile { #expect(server.allocations.count == 1) }
        call.close()
        network.run(for: .seconds(1))
        #expect(server.allocations.isEmpty || !isMobile)
    }

    /// A call over a relay with a ticket, whose caller has several servers.
    private func mobileCall(_ network: SimulatedNetwork, _ roamer: SimulatedHost, urls: [String]) throws -> (
        SimulatedCall, SimulatedTURNServer
    ) {
        let server = try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["192.0.2.9"]), users: ["user": "secret"])
        server.settings.mobility = .allowed
        let peer = network.makeHost("peer", addresses: ["192.0.2.2"])
        let servers = [try ICEServer(urls: urls, username: "user", credential: "secret")]
        let call = SimulatedCall(
            network, roamer, peer,
            configure: {
                $0.transportPolicy = .relay
                $0.gatheringPolicy = .continually
                $0.relayMobility = true
                $0.servers = servers
            },
            configureCallee: {
                $0.transportPolicy = .all
                $0.servers = []
            })
        #expect(call.connect())
        network.run(for: .seconds(5))
        return (call, server)
    }

    @Test(
        "B3.5: a relay that waits for another address is lost after five seconds, and with a restart",
        arguments: [true, false])
    func stranded(restarts: Bool) throws {
        let network = SimulatedNetwork(seed: 8)
        let roamer = network.makeHost("roamer", addresses: ["192.0.2.20"])
        let (call, _) = try mobileCall(network, roamer, urls: ["turn:192.0.2.9"])
        var removed: [Candidate] = []
        call.caller.onCandidateRemoved = { removed.append($0) }
        let relayed = try #require(call.caller.selectedPair()).local.address
        roamer.interface.removeAddress("192.0.2.20")
        network.run(for: .milliseconds(4900))
        #expect(removed.isEmpty)
        var needs = 0
        call.caller.onRestartNeeded = { _ in needs += 1 }
        if restarts { call.caller.restart() } else { network.run(for: .milliseconds(200)) }
        network.run(for: .milliseconds(10))
        #expect(removed.map(\.address) == [relayed])
        if restarts { #expect(needs == 0) }
        call.close()
    }

    @Test(
        "B3.5: it waits through other news of the network, and once for each loss",
        arguments: ["turn:192.0.2.9", "turn:192.0.2.9?transport=tcp"])
    func patience(_ url: String) throws {
        let network = SimulatedNetwork(seed: 8)
        let roamer = network.makeHost("roamer", addresses: ["192.0.2.20"])
        let other = roamer.addInterface("other0", addresses: [])
        let (call, server) = try mobileCall(network, roamer, urls: [url])
        let relayed = try #require(call.caller.selectedPair()).local.address
        roamer.interface.removeAddress("192.0.2.20")
        network.run(for: .seconds(1))
        // Link-local and loopback addresses lead to no server.
        for address: IPAddress in ["169.254.1.1", "127.0.0.2"] { other.addAddress(address) }
        network.run(for: .seconds(2))
        roamer.interface.addAddress("192.0.2.21")
        network.run(for: .seconds(1))
        roamer.interface.removeAddress("192.0.2.21")
        network.run(for: .seconds(4))
        roamer.interface.addAddress("192.0.2.22")
        network.run(for: .seconds(2))
        let client = try #require(server.allocations.first { $0.relayedAddresses.contains(relayed) }).client
        #expect(client.ip == "192.0.2.22")
        call.close()
    }

    @Test("B3.5: relays that are lost together do not stand in for each other")
    func together() throws {
        let network = SimulatedNetwork(seed: 8)
        let roamer = network.makeHost("roamer", addresses: ["192.0.2.20"])
        let (call, server) = try mobileCall(
            network, roamer, urls: ["turn:192.0.2.9", "turn:192.0.2.9?transport=tcp"])
        let relayed = try #require(call.caller.selectedPair()).local.address
        roamer.interface.removeAddress("192.0.2.20")
        network.run(for: .milliseconds(100))
        roamer.interface.addAddress("192.0.2.21")
        network.run(for: .seconds(2))
        #expect(call.caller.selectedPair()?.local.address == relayed)
        #expect(server.allocations.contains { $0.relayedAddresses.contains(relayed) && $0.client.ip == "192.0.2.21" })
        call.close()
    }
}
