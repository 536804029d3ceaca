import ICE
import ICETesting
import Testing

@Suite("NAT behaviour discovery")
struct NATDiscoveryTests {
    typealias Side = NATMatrixTests.Side

    struct Cell: CustomStringConvertible {
        let side: Side
        let hairpins: Bool
        let seed: UInt64
        var description: String { "\(side), hairpinning \(hairpins), seed \(seed)" }

        static let all = Side.allCases.flatMap { side in [true, false].map { Cell(side: side, hairpins: $0, seed: 1) } }
        static let lossy = Side.allCases.flatMap { side in (1...5).map { Cell(side: side, hairpins: true, seed: $0) } }
    }

    private static func check(_ report: NATReport, of cell: Cell) {
        #expect(report.mapping == cell.side.mapping)
        #expect(report.filtering == cell.side.filtering)
        #expect(report.hairpins == cell.side.canHairpin.map { $0 && cell.hairpins })
        #expect(report.verdict == cell.side.verdict)
        #expect(report.gaps == [])
        #expect(report.publicAddress?.ip == (cell.side == .udpBlocked ? nil : "203.0.113.1"))
        #expect(report.preservesPort == (cell.side == .udpBlocked ? nil : !cell.side.isSymmetric))
    }

    @Test("A8.1, A8.2: every kind of NAT gets its mapping, filtering, hairpinning and verdict", arguments: Cell.all)
    func matrix(_ cell: Cell) throws {
        let scene = try NATDiscoveryScene(cell.side) { $0.hairpinning = cell.hairpins }
        let report = try scene.report()
        Self.check(report, of: cell)
        #expect(report.server == "192.0.2.10:3478")
        #expect("\(report)".contains("\(report.verdict)"))
    }

    @Test("A8.1, A8.2: 20 % loss both ways changes nothing", arguments: Cell.lossy)
    func loss(_ cell: Cell) throws {
        let scene = try NATDiscoveryScene(cell.side, seed: cell.seed)
        scene.host.link.setConditions(LinkConditions(delay: .milliseconds(10), loss: 0.2))
        Self.check(try scene.report(), of: cell)
    }

    @Test("A8.1: over IPv6 a firewall is told from no NAT")
    func v6() throws {
        let network = SimulatedNetwork(seed: 6)
        let server = network.makeHost("stun", addresses: ["192.0.2.10", "2001:db8::10", "2001:db8::11"])
        try SimulatedSTUNServer(on: server, alternatePort: 3479)
        network.names["stun.example.org"] = ["192.0.2.10", "2001:db8::10"]
        let wall = network.makeNAT("wall", behavior: .firewall)
        let host = network.makeHost("client", addresses: ["2001:db8:1::2", "10.0.0.2"], behind: wall)
        var configuration = STUNClientConfiguration(host: "stun.example.org")
        configuration.preferredFamily = .v6
        let client = try STUNClient(on: host, configuration: configuration)
        var reports: [NATReport] = []
        client.discoverNATBehavior { if let report = try? $0.get() { reports.append(report) } }
        network.run(for: .seconds(30))
        #expect(reports.map(\.mapping) == [.noNAT])
        #expect(reports.map(\.filtering) == [.addressAndPortDependent])
        #expect(reports.map(\.server) == ["[2001:db8::10]:3478"])
        client.close()
    }

    @Test("A8.1: where the first address of a name is silent, the next one is asked")
    func nextAddress() throws {
        let scene = try NATDiscoveryScene()
        scene.network.names["stun.example.org"] = ["192.0.2.99", "192.0.2.10"]
        let client = try STUNClient(on: scene.host, configuration: STUNClientConfiguration(host: "stun.example.org"))
        var reports: [NATReport] = []
        client.discoverNATBehavior { if let report = try? $0.get() { reports.append(report) } }
        scene.network.run(for: .seconds(30))
        #expect(reports.map(\.verdict) == [.directToMost])
        #expect(reports.map(\.server) == ["192.0.2.10:3478"])
    }

    @Test("A8.1, A8.3: a server without a second address still tells whether there is a NAT, and what is missing")
    func noOtherAddress() throws {
        let behind = try NATDiscoveryScene(addresses: ["192.0.2.10"]).report()
        #expect(behind.gaps == [.noOtherAddress] && behind.verdict == .unknown)
        #expect(behind.publicAddress?.ip == "203.0.113.1" && behind.hairpins == true)
        let open = try NATDiscoveryScene(.open, alternatePort: nil).report()
        #expect(open.mapping == .noNAT && open.filtering == nil && open.verdict == .directToMost)
    }

    @Test("A8.3: no second of a discovery sees more than ten new requests, nor do their repetitions fall together")
    func rate() throws {
        for side in [Side.open, .portRestricted, .symmetric] {
            let scene = try NATDiscoveryScene(side)
            _ = try scene.report()
            for start in scene.starts {
                let later = scene.starts.map { $0 - start }.filter { $0 >= .zero }
                #expect(later.count { $0 < .seconds(1) } <= 10)
                // After 5 s a request is given up.
                let synchronous = later.filter { $0 > .zero && $0 < .seconds(5) && $0.nanoseconds % 500_000_000 == 0 }
                #expect(synchronous == [])
            }
            #expect(zip(scene.starts, scene.starts.dropFirst()).allSatisfy { $1 - $0 >= .milliseconds(100) })
            #expect(scene.starts.count <= 9)
        }
    }

    @Test("A8.3: requests for a NAT's lifetime take few transactions, too", arguments: [20, 45, 75, 130])
    func lifetime(_ seconds: Int) throws {
        for refreshes in [false, true] {
            let scene = try NATDiscoveryScene {
                $0.mappingLifetime = .seconds(seconds)
                $0.inboundRefreshesMapping = refreshes
            }
            let report = try scene.report(atMost: .seconds(1800)) { $0.measuresMappingLifetime = true }
            let lifetime = try #require(report.mappingLifetime)
            #expect(lifetime.atLeast <= .seconds(seconds))
            #expect(try #require(lifetime.lessThan) >= .seconds(seconds) - .seconds(1))
            #expect(try #require(lifetime.lessThan) - lifetime.atLeast <= .seconds(10))
            #expect(scene.starts.count <= 25 && report.gaps == [])
        }
    }

    @Test("A lifetime beyond the longest that matters is told as such; without NAT and filter there is none")
    func longLifetime() throws {
        let long = try NATDiscoveryScene(.symmetric) { $0.mappingLifetime = .seconds(600) }
        let report = try long.report(atMost: .seconds(1800)) { $0.measuresMappingLifetime = true }
        #expect(try #require(report.mappingLifetime).atLeast >= .seconds(170))
        #expect(report.mappingLifetime?.lessThan == nil)
        let open = try NATDiscoveryScene(.open).report { $0.measuresMappingLifetime = true }
        #expect(open.mappingLifetime == nil && open.gaps == [])
        let plain = try NATDiscoveryScene(alternatePort: nil).report { $0.measuresMappingLifetime = true }
        #expect(plain.mappingLifetime == nil && plain.gaps == [.noOtherAddress, .responsePortUnsupported])
    }
}
