import ICETesting
import NetBase
import Testing

@Suite("NATs forget, move, nest and only filter")
struct NATLifeTests {
    @Test("A mapping ends when nothing goes out for its lifetime")
    func lifetime() throws {
        var behavior = NATBehavior.fullCone
        behavior.mappingLifetime = .seconds(30)
        let scene = try NATScene(behavior)
        let external = try #require(try scene.openMapping())
        scene.network.run(for: .seconds(29))
        try scene.inner.send(to: scene.server.address)
        scene.network.run(for: .seconds(29))
        try scene.server.send(to: external)
        scene.settle()
        #expect(scene.inner.received.count == 1)
        scene.network.run(for: .seconds(2))
        try scene.server.send(to: external)
        scene.settle()
        #expect(scene.inner.received.count == 1)
        #expect(scene.network.counters[.noMapping] == 1)
        #expect(scene.nat.mappings.isEmpty)
    }

    @Test("What comes in prolongs a mapping only where the NAT lets it", arguments: [true, false])
    func inboundRefresh(_ refreshes: Bool) throws {
        var behavior = NATBehavior.portRestricted
        behavior.mappingLifetime = .seconds(30)
        behavior.inboundRefreshesMapping = refreshes
        let scene = try NATScene(behavior)
        let external = try #require(try scene.openMapping())
        for _ in 0..<2 {
            scene.network.run(for: .seconds(20))
            try scene.server.send(to: external)
        }
        scene.settle()
        #expect(scene.inner.received.count == (refreshes ? 2 : 1))
    }

    @Test("A filter closes for an endpoint that was not sent to for a lifetime, though the mapping lives on")
    func filterLifetime() throws {
        var behavior = NATBehavior.portRestricted
        behavior.mappingLifetime = .seconds(30)
        let scene = try NATScene(behavior)
        let external = try #require(try scene.openMapping())
        for _ in 0..<2 {
            scene.network.run(for: .seconds(20))
            try scene.inner.send(to: scene.otherAddress.address)
        }
        try scene.server.send(to: external)
        try scene.otherAddress.send(to: external)
        scene.settle()
        #expect(scene.inner.sources == [scene.otherAddress.address])
    }

    @Test("A rebound NAT moves every flow to another port, one that only forgot may keep it", arguments: [true, false])
    func rebinding(_ rebinds: Bool) throws {
        let scene = try NATScene(.portRestricted)
        let before = try #require(try scene.openMapping())
        if rebinds { scene.nat.rebind() } else { scene.nat.forgetMappings() }
        try scene.server.send(to: before)
        scene.settle()
        #expect(scene.inner.received.isEmpty)
        let after = try #require(try scene.openMapping())
        #expect((before == after) != rebinds)
    }

    @Test("A NAT may get another external address")
    func renumbering() throws {
        let scene = try NATScene(.fullCone)
        let before = try #require(try scene.openMapping())
        scene.nat.setExternalAddresses(["203.0.113.99"])
        try scene.server.send(to: before)
        #expect(try scene.openMapping() == "203.0.113.99:5000")
        #expect(scene.inner.received.isEmpty)
        try scene.server.send(to: "203.0.113.99:5000")
        scene.settle()
        #expect(scene.inner.received.count == 1)
    }

    @Test("A forwarded port is open to everybody at all times and is kept on the way out")
    func forwarding() throws {
        let scene = try NATScene(.symmetric)
        scene.nat.forward(from: "203.0.113.1:8000", to: scene.inner.address)
        try scene.otherAddress.send(to: "203.0.113.1:8000")
        #expect(try scene.openMapping() == "203.0.113.1:8000")
        #expect(scene.inner.sources == [scene.otherAddress.address])
    }

    @Test("Behind two NATs the outer one is what the world sees, and both filter")
    func nesting() throws {
        let network = SimulatedNetwork(seed: 1)
        let carrier = network.makeNAT("carrier", external: ["198.51.100.1"], behavior: .fullCone)
        let homes = try [1, 2].map { number in
            let nat = network.makeNAT(
                "home\(number)", external: [IPAddress(v4: 0x6440_0000 + UInt32(number))], behavior: .addressRestricted,
                behind: carrier)
            // Both homes use the same private address.
            return try Probe(network.makeHost("host\(number)", addresses: ["192.168.1.2"], behind: nat), "0.0.0.0:5000")
        }
        let server = try Probe(network.makeHost("server", addresses: ["192.0.2.1"]), "192.0.2.1:1000")
        let stranger = try Probe(network.makeHost("stranger", addresses: ["192.0.2.2"]), "192.0.2.2:1000")
        for home in homes { try home.send(to: server.address) }
        network.run(for: .milliseconds(1))
        try #require(server.sources.count == 2)
        #expect(server.sources[0] == "198.51.100.1:5000")
        #expect(server.sources[1].ip == "198.51.100.1" && server.sources[1].port != 5000)

        for source in server.sources {
            try server.send([1], to: source)
            try stranger.send([2], to: source)
        }
        network.run(for: .milliseconds(1))
        #expect(homes.map(\.payloads) == [[[1]], [[1]]])

        // From home to home only the carrier's hairpin leads, and each side has to open its own filter first.
        try homes[0].send([3], to: server.sources[1])
        network.run(for: .milliseconds(1))
        try homes[1].send([4], to: server.sources[0])
        network.run(for: .milliseconds(1))
        #expect(homes[1].payloads == [[1]])
        #expect(homes[0].payloads == [[1], [4]])
    }

    @Test("A firewall translates nothing and lets only answers in")
    func firewall() throws {
        let network = SimulatedNetwork(seed: 1)
        let wall = network.makeNAT("wall", behavior: .firewall)
        let inner = try Probe(network.makeHost("inner", addresses: ["2001:db8::1"], behind: wall), "[2001:db8::1]:5000")
        let outer = try Probe(network.makeHost("outer", addresses: ["2001:db8:1::1"]), "[2001:db8:1::1]:6000")
        try outer.send([1], to: inner.address)
        network.run(for: .milliseconds(1))
        try inner.send([2], to: outer.address)
        network.run(for: .milliseconds(1))
        try outer.send([3], to: inner.address)
        network.run(for: .milliseconds(1))
        #expect(outer.sources == [inner.address])
        #expect(inner.payloads == [[3]])
    }

    @Test("A router translates IPv4 and only filters IPv6 where it has no address of that family")
    func dualStack() throws {
        let network = SimulatedNetwork(seed: 1)
        let router = network.makeNAT("router", external: ["203.0.113.1"], behavior: .portRestricted)
        let host = network.makeHost("host", addresses: ["192.168.0.2", "2001:db8::2"], behind: router)
        let server = network.makeHost("server", addresses: ["192.0.2.1", "2001:db8:1::1"])
        let listening = try [Probe(server, "0.0.0.0:1000"), Probe(server, "[::]:1000")]
        try Probe(host, "0.0.0.0:5000").send(to: "192.0.2.1:1000")
        try Probe(host, "[::]:5000").send(to: "[2001:db8:1::1]:1000")
        network.run(for: .milliseconds(1))
        #expect(listening.map(\.sources) == [["203.0.113.1:5000"], ["[2001:db8::2]:5000"]])
    }

    @Test("Homes may share link-local and unique local addresses")
    func sharedLocalAddresses() throws {
        let network = SimulatedNetwork(seed: 1)
        let probes = try [1, 2].map { number in
            let router = network.makeNAT("router\(number)", behavior: .firewall)
            let host = network.makeHost("host\(number)", addresses: ["fe80::1", "fd00::1"], behind: router)
            return try Probe(host, "[fd00::1]:5000")
        }
        try probes[0].send(to: probes[1].address)
        network.run(for: .milliseconds(1))
        #expect(probes.map(\.received.count) == [1, 0], "it is the sender's own address")
    }

    @Test("Where UDP is blocked nothing passes in either direction")
    func blocked() throws {
        let scene = try NATScene(.fullCone)
        let external = try #require(try scene.openMapping())
        scene.nat.behavior.blocksUDP = true
        try scene.server.send(to: external)
        try scene.inner.send(to: scene.server.address)
        scene.settle()
        #expect(scene.inner.received.isEmpty)
        #expect(scene.server.received.count == 1)
        #expect(scene.network.counters[.blocked] == 2)
    }
}
