import ICETesting
import NetBase
import Testing

@testable import ICE

@Suite("TCP ports of addresses that are not told")
struct TCPExposureTests {
    /// A client on an address of its own, and somebody who tries all its ports.
    private struct Scene {
        let network = SimulatedNetwork(seed: 71)
        let nat: SimulatedNAT
        let host: SimulatedHost
        let client: ICEClient

        /// - Parameter server: Whether there is a STUN server, and whether it has TCP.
        init(server hasTCP: Bool?, _ configure: (inout ICEConfiguration) -> Void) throws {
            nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: .fullCone)
            host = network.makeHost("a", addresses: ["10.0.0.2"], behind: nat)
            host.ephemeralPorts = 50_000...50_009
            var configuration = ICEConfiguration()
            configuration.transports = [.udp, .tcp, .simultaneousOpen]
            if let hasTCP {
                let server = network.makeHost("stun", addresses: ["192.0.2.10"])
                if hasTCP { try SimulatedSTUNServer(on: server) }
                configuration.servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
            }
            configure(&configuration)
            client = ICEClient(on: host, configuration: configuration)
            client.gatherCandidates()
        }

        /// How many of its ports take a connection.
        func openPorts() throws -> Int {
            let neighbour = network.makeHost("neighbour", addresses: ["10.0.0.3"], behind: nat)
            var streams: [SimulatedStream] = []
            var count = 0
            for port in host.ephemeralPorts {
                let stream = try neighbour.connect(to: TransportAddress("10.0.0.2", port: port))
                stream.onConnect = { count += 1 }
                streams.append(stream)
            }
            network.run(for: .seconds(1))
            for stream in streams { stream.close() }
            return count
        }
    }

    @Test("None is open without a server that could show what it is mapped to", arguments: [true, false])
    func noServer(_ isPolicy: Bool) throws {
        let scene = try Scene(server: nil) {
            if isPolicy { $0.transportPolicy = .noHost } else { $0.addressExposure = .defaultRouteOnly }
        }
        scene.network.run(for: .milliseconds(1))
        #expect(try scene.openPorts() == 0)
        #expect(scene.client.localCandidates.isEmpty && scene.client.gatheringState == .complete)
    }

    @Test("Where host candidates are told, they are open")
    func told() throws {
        let scene = try Scene(server: nil) { $0.addressExposure = .defaultRoute }
        scene.network.run(for: .milliseconds(1))
        #expect(try scene.openPorts() == 2)
    }

    @Test(
        "They are open where a server shows what they are mapped to, and closed where none does",
        arguments: [true, false])
    func server(_ hasTCP: Bool) throws {
        let scene = try Scene(server: hasTCP) { $0.transportPolicy = .noHost }
        #expect(scene.network.run(until: { scene.client.gatheringState == .complete }, atMost: .seconds(60)))
        let mapped = scene.client.localCandidates.filter(\.transport.isTCP)
        #expect(mapped.count == (hasTCP ? 2 : 0) && mapped.allSatisfy { $0.kind == .serverReflexive })
        #expect(try scene.openPorts() == (hasTCP ? 2 : 0))
    }

    @Test("After a restart they are open as before")
    func restart() throws {
        let scene = try Scene(server: true) { $0.transportPolicy = .noHost }
        #expect(scene.network.run(until: { scene.client.gatheringState == .complete }, atMost: .seconds(60)))
        scene.client.restart()
        #expect(scene.network.run(until: { scene.client.gatheringState == .complete }, atMost: .seconds(60)))
        #expect(scene.client.localCandidates.filter(\.transport.isTCP).count == 2)
        #expect(try scene.openPorts() == 2)
    }
}
