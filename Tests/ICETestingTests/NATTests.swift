import ICETesting
import NetBase
import Testing

private typealias Dependence = NATBehavior.Dependence

@Suite("NATs behave as RFC 4787 describes")
struct NATTests {
    @Test(
        "Which flows share an external endpoint follows from the mapping alone",
        arguments: NATBehavior.Dependence.allCases, NATBehavior.Dependence.allCases)
    func mapping(_ mapping: NATBehavior.Dependence, _ filtering: NATBehavior.Dependence) throws {
        let scene = try NATScene(NATBehavior(mapping: mapping, filtering: filtering, portPreservation: false))
        for probe in scene.outer { try scene.inner.send(to: probe.address) }
        scene.settle()
        let seen = scene.outer.compactMap(\.sources.first)
        try #require(seen.count == 3)
        #expect((seen[0] == seen[1]) == (mapping != .addressAndPortDependent))
        #expect((seen[0] == seen[2]) == (mapping == .endpointIndependent))
        #expect(seen.allSatisfy { $0.ip == "203.0.113.1" })
        #expect(scene.nat.mappings.count == Set(seen).count)
    }

    @Test(
        "Whose packets come in follows from the filtering alone",
        arguments: NATBehavior.Dependence.allCases, NATBehavior.Dependence.allCases)
    func filtering(_ mapping: NATBehavior.Dependence, _ filtering: NATBehavior.Dependence) throws {
        let scene = try NATScene(NATBehavior(mapping: mapping, filtering: filtering))
        let external = try #require(try scene.openMapping())
        for probe in scene.outer { try probe.send(to: external) }
        scene.settle()
        let expected: [TransportAddress] =
            switch filtering {
            case .endpointIndependent: ["192.0.2.1:1000", "192.0.2.1:1001", "192.0.2.2:1000"]
            case .addressDependent: ["192.0.2.1:1000", "192.0.2.1:1001"]
            case .addressAndPortDependent: ["192.0.2.1:1000"]
            }
        #expect(scene.inner.sources == expected)
        #expect(scene.network.counters[.filtered] == 3 - expected.count)
    }

    @Test("Nothing comes in where nothing went out", arguments: [NATBehavior.fullCone, .symmetric])
    func unsolicited(_ behavior: NATBehavior) throws {
        let scene = try NATScene(behavior)
        try scene.server.send(to: "203.0.113.1:5000")
        scene.settle()
        #expect(scene.inner.received.isEmpty)
        #expect(scene.network.counters[.noMapping] == 1)
    }

    @Test("A port is preserved where the NAT does that and it is free", arguments: [true, false])
    func portPreservation(_ preserves: Bool) throws {
        var behavior = NATBehavior.portRestricted
        behavior.portPreservation = preserves
        behavior.externalPorts = 40_000...40_999
        let scene = try NATScene(behavior)
        let external = try #require(try scene.openMapping())
        #expect(preserves ? external.port == 5000 : 40_000...40_999 ~= external.port)

        let neighbour = scene.network.makeHost("neighbour", addresses: ["192.168.0.3"], behind: scene.nat)
        let same = try Probe(neighbour, "192.168.0.3:5000")
        try same.send(to: scene.server.address)
        scene.settle()
        let second = try #require(scene.server.sources.last)
        #expect(40_000...40_999 ~= second.port)
        #expect(second != external)
    }

    @Test("Ports are given out in sequence on request, and run out")
    func portsInSequence() throws {
        var behavior = NATBehavior.symmetric
        behavior.portAllocation = .sequential
        behavior.externalPorts = 7000...7001
        let scene = try NATScene(behavior)
        for probe in scene.outer { try scene.inner.send(to: probe.address) }
        scene.settle()
        #expect(scene.outer.flatMap(\.sources) == ["203.0.113.1:7000", "203.0.113.1:7001"])
        #expect(scene.network.counters[.portsExhausted] == 1)
    }

    @Test("Inner hosts reach one another by external endpoints only where the NAT hairpins", arguments: [true, false])
    func hairpinning(_ hairpins: Bool) throws {
        var behavior = NATBehavior.fullCone
        behavior.hairpinning = hairpins
        let scene = try NATScene(behavior)
        let external = try #require(try scene.openMapping())
        let neighbour = scene.network.makeHost("neighbour", addresses: ["192.168.0.3"], behind: scene.nat)
        let probe = try Probe(neighbour, "192.168.0.3:6000")
        try probe.send(to: external)
        scene.settle()
        #expect(scene.inner.sources == (hairpins ? ["203.0.113.1:6000"] : []))
        #expect(scene.network.counters[.notHairpinned] == (hairpins ? 0 : 1))

        try probe.send(to: scene.inner.address)
        scene.settle()
        #expect(scene.inner.sources.last == "192.168.0.3:6000", "neighbours always reach one another directly")
    }

    @Test("An inner address keeps its external address where pooling is paired")
    func pooling() throws {
        let scene = try NATScene(.symmetric, external: ["203.0.113.1", "203.0.113.2"])
        for _ in 0..<2 { for probe in scene.outer { try scene.inner.send(to: probe.address) } }
        scene.settle()
        #expect(Set(scene.outer.flatMap(\.sources).map(\.ip)) == ["203.0.113.1"])
        let neighbour = scene.network.makeHost("neighbour", addresses: ["192.168.0.3"], behind: scene.nat)
        let probe = try Probe(neighbour, "192.168.0.3:6000")
        try probe.send(to: scene.server.address)
        scene.settle()
        #expect(scene.server.sources.last?.ip == "203.0.113.2")
    }

    @Test("Arbitrary pooling uses all external addresses for one inner address")
    func arbitraryPooling() throws {
        var behavior = NATBehavior.symmetric
        behavior.pooling = .arbitrary
        let scene = try NATScene(behavior, external: ["203.0.113.1", "203.0.113.2"])
        for port in UInt16(1)...20 { try scene.inner.send(to: TransportAddress("192.0.2.1", port: port)) }
        #expect(Set(scene.nat.mappings.map(\.external.ip)).isEmpty, "nothing happens before time runs")
        scene.settle()
        #expect(Set(scene.nat.mappings.map(\.external.ip)) == ["203.0.113.1", "203.0.113.2"])
    }
}
