import ICE
import Testing

@testable import ICEPortMapping

/// How long a test waits for something that is certain to come; only a failing test waits this long.
let patience = Duration.seconds(15)

#if canImport(CNATPMP) && os(Linux)
    @Suite(
        "NAT-PMP by libnatpmp, with a gateway on the loop",
        .enabled(if: Namespace.isAvailable, "needs root, ip(8) and network namespaces"))
    struct NATPMPClientTests {
        /// A gateway, a client of it, and what was told of the ports.
        private final class Scene {
            let loop: EventLoop
            let gateway: Gateway?
            let client: NATPMPClient
            private(set) var told: [String] = []
            private(set) var mappings: [any PortMapping] = []

            init?(hasGateway: Bool = true) {
                guard let loop = try? EventLoop() else { return nil }
                self.loop = loop
                gateway = hasGateway ? try? Gateway(on: loop) : nil
                client = NATPMPClient(loop: loop, gateway: Gateway.ip)
                if hasGateway, gateway == nil { return nil }
            }

            deinit { loop.close() }

            func map(_ port: UInt16, ip: IPAddress = Gateway.ip) {
                let mapping = client.mapPort(of: TransportAddress(ip, port: port)) { [weak self] result in
                    switch result {
                    case .success(let address): self?.told.append("\(port) \(address)")
                    case .failure(let error): self?.told.append("\(port) \(error.code)")
                    }
                }
                if let mapping { mappings.append(mapping) }
            }

            func run(until condition: () -> Bool) -> Bool { loop.run(until: condition, atMost: patience) }
        }

        private struct Facts: Sendable {
            var told: [String] = []
            var requests: [String] = []
            var mapped: [[UInt16]] = []
            var holds: [Bool] = []

            fileprivate mutating func take(_ scene: Scene) {
                told = scene.told
                requests = scene.gateway?.requests ?? []
            }
        }

        @Test(
            "A port is mapped and told on a later turn, then unmapped when all who asked for it have closed, and the loop comes to rest"
        )
        func life() throws {
            let facts = Namespace.run { () -> Facts? in
                guard let scene = Scene(), let gateway = scene.gateway else { return nil }
                var facts = Facts()
                scene.map(4000)
                scene.map(4000)
                facts.holds.append(scene.told.isEmpty)
                facts.holds.append(scene.run { scene.told.count == 2 })
                facts.mapped.append(gateway.mappings.map(\.value))
                scene.mappings[0].close()
                scene.mappings[0].close()
                scene.loop.run(.noWait)
                facts.mapped.append(gateway.mappings.map(\.value))
                scene.mappings[1].close()
                facts.holds.append(scene.run { gateway.mappings.isEmpty })
                scene.loop.run(.once)
                gateway.close()
                facts.holds.append(!scene.loop.run())
                facts.take(scene)
                return facts
            }
            let found = try #require(facts)
            #expect(found.holds == [true, true, true, true])
            #expect(found.told == ["4000 203.0.113.1:4001", "4000 203.0.113.1:4001"])
            #expect(found.requests == ["address", "map 0 for 7200", "unmap"])
            #expect(found.mapped == [[4001], [4001]])
        }

        @Test("Who comes later is told what is known, and what is lost is asked for again")
        func repetition() throws {
            let facts = Namespace.run { () -> Facts? in
                guard let scene = Scene(), let gateway = scene.gateway else { return nil }
                var facts = Facts()
                gateway.deafness = 2
                scene.map(4000)
                facts.holds.append(scene.run { scene.told.count == 1 })
                scene.map(4000)
                facts.holds.append(scene.run { scene.told.count == 2 })
                facts.take(scene)
                return facts
            }
            let found = try #require(facts)
            #expect(found.holds == [true, true])
            #expect(found.told == ["4000 203.0.113.1:4001", "4000 203.0.113.1:4001"])
            #expect(found.requests == ["address", "address", "address", "map 0 for 7200"])
        }

        @Test("A mapping is renewed at half of the lifetime that was granted, with its port")
        func renewal() throws {
            let facts = Namespace.run { () -> Facts? in
                guard let scene = Scene(), let gateway = scene.gateway else { return nil }
                var facts = Facts()
                gateway.granted = 2
                scene.map(4000)
                facts.holds.append(scene.run { gateway.requests.count == 4 })
                facts.take(scene)
                return facts
            }
            let found = try #require(facts)
            #expect(found.holds == [true])
            #expect(found.told == ["4000 203.0.113.1:4001"])
            #expect(found.requests == ["address", "map 0 for 7200", "map 4001 for 7200", "map 4001 for 7200"])
        }

        @Test(
            "A gateway that announces that it has begun anew is asked for the same ports again; its new address is told"
        )
        func restart() throws {
            let facts = Namespace.run { () -> Facts? in
                guard let scene = Scene(), let gateway = scene.gateway else { return nil }
                var facts = Facts()
                scene.map(4000)
                scene.map(4002)
                facts.holds.append(scene.run { scene.told.count == 2 })
                gateway.external = IPAddress(v4: 0xcb00_7102)
                // Its clock has to have gone on for more than two seconds before it can go back by that.
                facts.holds.append(!scene.loop.run(until: { false }, atMost: .seconds(3)))
                gateway.restart()
                facts.holds.append(scene.run { scene.told.count == 4 && gateway.mappings.count == 2 })
                facts.take(scene)
                return facts
            }
            let found = try #require(facts)
            #expect(found.holds == [true, true, true])
            #expect(Set(found.told.suffix(2)) == ["4000 203.0.113.2:4001", "4002 203.0.113.2:4003"])
            #expect(found.requests.suffix(2) == ["map 4001 for 7200", "map 4003 for 7200"])
        }

        @Test(
            "What the gateway says no with is told as such",
            arguments: [(1, "unsupported"), (2, "refused"), (3, "networkFailure"), (4, "outOfResources"), (9, "other")])
        func refusals(result: UInt8, code: String) throws {
            let facts = Namespace.run { () -> Facts? in
                guard let scene = Scene() else { return nil }
                var facts = Facts()
                scene.gateway?.result = result
                scene.map(4000)
                facts.holds.append(scene.run { !scene.told.isEmpty })
                facts.take(scene)
                return facts
            }
            #expect(facts?.holds == [true])
            #expect(facts?.told == ["4000 \(code)"])
        }

        @Test(
            "Where nobody listens that is told at once, and an answer of another protocol is none",
            arguments: [false, true])
        func unsupported(listens: Bool) throws {
            let facts = Namespace.run { () -> Facts? in
                guard let scene = Scene(hasGateway: listens) else { return nil }
                var facts = Facts()
                scene.gateway?.version = 2
                scene.map(4000)
                facts.holds.append(scene.loop.run(until: { !scene.told.isEmpty }, atMost: .seconds(2)))
                facts.take(scene)
                return facts
            }
            #expect(facts?.holds == [true])
            #expect(facts?.told == ["4000 unsupported"])
        }

        @Test("IPv6 is not mapped, nor an address that does not lead to the gateway")
        func otherAddresses() throws {
            let facts = Namespace.run { () -> Facts? in
                guard let scene = Scene() else { return nil }
                var facts = Facts()
                scene.map(4000, ip: .loopback(.v6))
                scene.map(0)
                facts.holds.append(scene.mappings.isEmpty)
                scene.map(4000, ip: IPAddress(v4: 0x0a00_0002))
                facts.holds.append(scene.run { !scene.told.isEmpty })
                facts.take(scene)
                return facts
            }
            #expect(facts?.holds == [true, true])
            #expect(facts?.told == ["4000 noGateway"])
            #expect(facts?.requests == [])
        }

        @Test("A client that is closed, or let go of, unmaps all its ports in one go", arguments: [false, true])
        func farewell(isClosed: Bool) throws {
            let facts = Namespace.run { () -> Facts? in
                guard let loop = try? EventLoop(), let gateway = try? Gateway(on: loop) else { return nil }
                defer { loop.close() }
                var facts = Facts()
                weak var released: NATPMPClient?
                do {
                    let client = NATPMPClient(loop: loop, gateway: Gateway.ip)
                    released = client
                    let mappings = (0..<3).compactMap { number in
                        client.mapPort(of: TransportAddress(Gateway.ip, port: 4000 + 2 * number)) { _ in }
                    }
                    facts.holds.append(loop.run(until: { gateway.mappings.count == 3 }, atMost: patience))
                    if isClosed { client.close() }
                    facts.holds.append(mappings.count == 3)
                }
                facts.holds.append(released == nil)
                facts.holds.append(loop.run(until: { gateway.mappings.isEmpty }, atMost: patience))
                return facts
            }
            #expect(facts?.holds == [true, true, true, true])
        }

        @Test("An ICE client tells its mapped port as a server-reflexive candidate, and unmaps it when it is closed")
        func candidate() throws {
            let facts = Namespace.run { () -> Facts? in
                guard let scene = Scene(), let gateway = scene.gateway else { return nil }
                var facts = Facts()
                var configuration = ICEConfiguration()
                configuration.includesLoopback = true
                configuration.localAddresses = [Gateway.ip]
                let client = ICEClient(loop: scene.loop, configuration: configuration)
                client.portMapper = scene.client
                client.gatherCandidates()
                facts.holds.append(scene.run { client.gatheringState == .complete })
                facts.told = client.localCandidates.map { "\($0.kind) \($0.address.ip)" }
                client.close()
                facts.holds.append(scene.run { gateway.mappings.isEmpty })
                return facts
            }
            #expect(facts?.holds == [true, true])
            #expect(facts?.told == ["host 127.0.0.1", "serverReflexive 203.0.113.1"])
        }
    }
#else
    @Suite("NAT-PMP by libnatpmp")
    struct NATPMPClientTests {
        @Test("libnatpmp maps ports", .disabled("libnatpmp was not there when this was built"))
        func absent() {}
    }
#endif
