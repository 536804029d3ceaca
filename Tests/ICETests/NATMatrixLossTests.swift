import ICE
import ICETesting
import Testing

/// The matrix again, where packets get lost, over both families, and through more than one NAT.
@Suite("The NAT matrix under loss")
struct NATMatrixLossTests {
    enum Families: CaseIterable { case v4, v6, both }

    struct Scene {
        let network: SimulatedNetwork
        let servers: [ICEServer]

        init(seed: UInt64) throws {
            network = SimulatedNetwork(seed: seed)
            let host = network.makeHost("turn", addresses: ["192.0.2.10", "2001:db8:ffff::10"])
            host.link.setConditions(LinkConditions(delay: .milliseconds(10)))
            _ = try SimulatedTURNServer(on: host, users: ["user": "secret"])
            let urls = ["turn:192.0.2.10", "turn:[2001:db8:ffff::10]"]
            servers = [
                try ICEServer(
                    urls: urls + urls.map { $0 + "?transport=tcp" }, username: "user", credential: "secret")
            ]
        }

        /// A host behind a NAT of a kind, which has IPv6 behind the same filter where it has it.
        func host(_ name: String, _ side: NATMatrixTests.Side, _ families: Families, number: UInt32, loss: Double)
            -> SimulatedHost
        {
            let outside = IPAddress(v4: 0xcb00_7100 | number)
            let translates = side.translates && families != .v6
            let nat = side.behavior.map {
                network.makeNAT("\(name)-nat", external: translates ? [outside] : [], behavior: $0)
            }
            var addresses: [IPAddress] = []
            if families != .v6 { addresses.append(translates ? IPAddress(v4: 0x0a00_0002 | number << 8) : outside) }
            if families != .v4 { addresses.append(IPAddress(v6High: 0x2001_0db8_0000_0000 | UInt64(number), low: 1)) }
            let host = network.makeHost(name, addresses: addresses, behind: nat)
            host.link.outgoing = LinkConditions(delay: .milliseconds(10), loss: loss)
            host.link.incoming = LinkConditions(delay: .milliseconds(10))
            return host
        }
    }

    /// How a call must go: everything connects, directly where the NATs allow it.
    static func check(_ cell: NATMatrixTests.Cell, _ families: Families, loss: Double) throws {
        let scene = try Scene(seed: 17)
        let a = scene.host("a", cell.a, families, number: 1, loss: loss)
        let b = scene.host("b", cell.b, families, number: 2, loss: loss)
        let call = SimulatedCall(scene.network, a, b, signallingDelay: .milliseconds(30)) {
            $0.servers = scene.servers
        }
        #expect(call.connect(atMost: .seconds(30)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(60)))
        #expect(call.talk())
        let isBlocked = cell.a == .udpBlocked || cell.b == .udpBlocked
        // IPv6 is filtered only, and both sides send first.
        let meets = families == .v4 ? cell.canMeetDirectly : !isBlocked
        for client in call.clients {
            let pair = try #require(client.selectedPair())
            let isRelayed = pair.local.kind == .relayed || pair.remote.kind == .relayed
            if !meets { #expect(isRelayed) }
            // A relay may win against a direct pair whose first packets were lost.
            if meets, loss == 0 { #expect(!isRelayed) }
            if families == .both, loss == 0, meets { #expect(pair.remote.address.family == .v6) }
        }
    }

    @Test(
        "IPv4: each cell connects, by the kind of pair its NATs allow", arguments: NATMatrixTests.cells, [0, 0.1, 0.3])
    func v4(_ cell: NATMatrixTests.Cell, _ loss: Double) throws {
        try Self.check(cell, .v4, loss: loss)
    }

    @Test("IPv6: each cell connects directly, unless UDP is blocked", arguments: NATMatrixTests.cells, [0, 0.1, 0.3])
    func v6(_ cell: NATMatrixTests.Cell, _ loss: Double) throws {
        try Self.check(cell, .v6, loss: loss)
    }

    @Test("Dual stack: each cell connects, over IPv6 and directly", arguments: NATMatrixTests.cells, [0, 0.1, 0.3])
    func both(_ cell: NATMatrixTests.Cell, _ loss: Double) throws {
        try Self.check(cell, .both, loss: loss)
    }

    @Test(
        "Most calls behind port-restricted NATs are direct with every tenth packet lost, and many with every third",
        arguments: [(0.1, 10), (0.3, 4)])
    func mostlyDirect(_ loss: Double, _ least: Int) throws {
        var direct = 0
        for seed in 1...20 {
            let scene = try Scene(seed: UInt64(seed))
            let a = scene.host("a", .portRestricted, .v4, number: 1, loss: loss)
            let b = scene.host("b", .portRestricted, .v4, number: 2, loss: loss)
            let call = SimulatedCall(scene.network, a, b, signallingDelay: .milliseconds(30)) {
                $0.servers = scene.servers
            }
            #expect(call.connect(atMost: .seconds(30)), "seed \(seed)")
            #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(60)), "seed \(seed)")
            if let pair = call.caller.selectedPair(), pair.local.kind != .relayed, pair.remote.kind != .relayed {
                direct += 1
            }
        }
        #expect(direct >= least, "\(direct) of 20")
    }

    @Test("The fast profile: most calls are direct, in the median within 0.8 s, with a fifth lost on each side and way")
    func fastUnderLoss() throws {
        var direct = 0
        var times: [Duration] = []
        for seed in 1...40 {
            let scene = try Scene(seed: UInt64(seed))
            let a = scene.host("a", .portRestricted, .v4, number: 1, loss: 0.2)
            let b = scene.host("b", .portRestricted, .v4, number: 2, loss: 0.2)
            for host in [a, b] { host.link.incoming = LinkConditions(delay: .milliseconds(10), loss: 0.2) }
            let call = SimulatedCall(scene.network, a, b, signallingDelay: .milliseconds(5)) {
                $0.servers = scene.servers
                $0.pacing = .fast
            }
            let began = scene.network.now
            #expect(call.connect(atMost: .seconds(30)), "seed \(seed)")
            times.append(scene.network.now - began)
            #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(60)), "seed \(seed)")
            if let pair = call.caller.selectedPair(), pair.local.kind != .relayed, pair.remote.kind != .relayed {
                direct += 1
            }
        }
        #expect(direct >= 26, "\(direct) of 40")
        #expect(times.sorted()[20] <= .milliseconds(800), "\(times.sorted()[20])")
    }

    @Test("C2.7: all components meet where one side has another port for each peer, though its addresses are learned")
    func manyComponents() throws {
        let scene = try Scene(seed: 23)
        let stun = try ICEServer(urls: ["stun:192.0.2.10"])
        let a = scene.host("a", .addressRestricted, .v4, number: 1, loss: 0)
        let b = scene.host("b", .symmetric, .v4, number: 2, loss: 0)
        let call = SimulatedCall(scene.network, a, b, signallingDelay: .milliseconds(30)) { $0.servers = [stun] }
        for client in call.clients { for _ in 0..<2 { try client.addStream(components: 2) } }
        #expect(call.connect(atMost: .seconds(10)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(10)))
    }

    struct Carrier: CustomStringConvertible {
        let hairpins: Bool
        let isShared: Bool
        let loss: Double
        var description: String { "\(isShared ? "one carrier" : "two carriers"), hairpin \(hairpins), loss \(loss)" }
    }

    static let carriers = [0, 0.1, 0.3].flatMap { loss in
        [
            Carrier(hairpins: true, isShared: true, loss: loss), Carrier(hairpins: false, isShared: true, loss: loss),
            Carrier(hairpins: false, isShared: false, loss: loss),
        ]
    }

    @Test("Behind two NATs each, sides meet directly, but for one carrier that does not hairpin", arguments: carriers)
    func doubleNAT(_ carrier: Carrier) throws {
        let scene = try Scene(seed: 19)
        var behavior = NATBehavior.portRestricted
        behavior.hairpinning = carrier.hairpins
        var nats: [SimulatedNAT] = []
        for number in 0..<2 {
            let isNew = nats.isEmpty || !carrier.isShared
            let outside = IPAddress(v4: 0xcb00_7101 + UInt32(number))
            nats.append(
                isNew ? scene.network.makeNAT("carrier\(number)", external: [outside], behavior: behavior) : nats[0])
        }
        let hosts = (0..<2).map { number in
            let home = scene.network.makeNAT(
                "home\(number)", external: [IPAddress(v4: 0x6440_0002 + UInt32(number))], behavior: .portRestricted,
                behind: nats[number])
            let host = scene.network.makeHost("host\(number)", addresses: ["192.168.1.2"], behind: home)
            host.link.outgoing = LinkConditions(delay: .milliseconds(10), loss: carrier.loss)
            return host
        }
        let call = SimulatedCall(scene.network, hosts[0], hosts[1], signallingDelay: .milliseconds(30)) {
            $0.servers = scene.servers
        }
        #expect(call.connect(atMost: .seconds(30)))
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(60)))
        #expect(call.talk())
        let meets = carrier.hairpins || !carrier.isShared
        for client in call.clients {
            let pair = try #require(client.selectedPair())
            let isRelayed = pair.local.kind == .relayed || pair.remote.kind == .relayed
            if !meets { #expect(isRelayed) }
            if meets, carrier.loss == 0 { #expect(!isRelayed) }
        }
    }
}
