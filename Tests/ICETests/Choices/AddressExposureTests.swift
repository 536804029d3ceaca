import ICE
import ICETesting
import Testing

@Suite("E6, C1: transport policy and RFC 8828's modes")
struct AddressExposureTests {
    /// A client with two interfaces behind NATs, the first having the default route, and a server for STUN and TURN.
    final class Scene {
        let network = SimulatedNetwork(seed: 51)
        let host: SimulatedHost
        let client: ICEClient
        let server: SimulatedTURNServer
        var candidates: [Candidate] = []
        var errors: [CandidateError] = []

        init(urls: [String], configure: (inout ICEConfiguration) -> Void) throws {
            let first = network.makeNAT("first", external: ["203.0.113.1"])
            let second = network.makeNAT("second", external: ["203.0.113.2"])
            host = network.makeHost("a", addresses: ["10.0.1.2"], behind: first)
            host.addInterface("wlan0", addresses: ["10.0.2.2"], behind: second)
            server = try SimulatedTURNServer(
                on: network.makeHost("turn", addresses: ["192.0.2.10"]), users: ["user": "secret"])
            var configuration = ICEConfiguration()
            configuration.servers = [try ICEServer(urls: urls, username: "user", credential: "secret")]
            configure(&configuration)
            client = ICEClient(on: host, configuration: configuration)
            client.onCandidate = { [weak self] in if let candidate = $0 { self?.candidates.append(candidate) } }
            client.onCandidateError = { [weak self] in self?.errors.append($0) }
            network.isTracing = true
            client.gatherCandidates()
            network.run(for: .seconds(15))
        }

        var kinds: [Candidate.Kind] { candidates.map(\.kind).sorted { $0.rawValue < $1.rawValue } }

        /// Where this machine's packets came from.
        var sources: Set<IPAddress> {
            Set(network.trace.filter { $0.event == .sent && $0.place == "a" }.map(\.source.ip))
        }

        /// Whether some candidate shows an address of the machine.
        var showsHost: Bool {
            client.localDescription.description.contains("10.0.") || candidates.contains { "\($0)".contains("10.0.") }
        }
    }

    @Test("E6.1: Mode 1 uses all interfaces")
    func all() throws {
        let scene = try Scene(urls: ["turn:192.0.2.10", "stun:192.0.2.10"]) { _ in }
        #expect(scene.kinds == [.host, .host, .relayed, .relayed, .serverReflexive, .serverReflexive])
        #expect(scene.sources == ["10.0.1.2", "10.0.2.2"])
    }

    @Test("E6.1: Mode 2 uses the default route and its local address")
    func defaultRoute() throws {
        let scene = try Scene(urls: ["turn:192.0.2.10", "stun:192.0.2.10"]) { $0.addressExposure = .defaultRoute }
        #expect(scene.kinds == [.host, .relayed, .serverReflexive])
        #expect(scene.sources == ["10.0.1.2"])
        #expect(scene.candidates.first?.address.ip == "10.0.1.2")
    }

    @Test("E6.1: Mode 3 uses the default route and shows no local address")
    func defaultRouteOnly() throws {
        let scene = try Scene(urls: ["turn:192.0.2.10", "stun:192.0.2.10"]) { $0.addressExposure = .defaultRouteOnly }
        #expect(scene.kinds == [.relayed, .serverReflexive])
        #expect(scene.sources == ["10.0.1.2"])
        #expect(!scene.showsHost)
    }

    @Test("E6.1: in Mode 4 nothing leaves but over TCP to a TURN server")
    func proxyOnly() throws {
        let scene = try Scene(urls: ["turn:192.0.2.10", "stun:192.0.2.10", "turn:192.0.2.10?transport=tcp"]) {
            $0.addressExposure = .proxyOnly
        }
        #expect(scene.kinds == [.relayed])
        #expect(!scene.showsHost)
        #expect(scene.server.allocations.count == 1)
        #expect(scene.errors.isEmpty)
        let sent = scene.network.trace.filter { $0.event == .sent && $0.place == "a" }
        #expect(!sent.isEmpty && sent.allSatisfy { $0.destination == "192.0.2.10:3478" })
    }

    @Test("E6.1: without a default route, the modes that need one have no candidates", arguments: [true, false])
    func noRoute(_ isHidden: Bool) throws {
        let network = SimulatedNetwork(seed: 52)
        let host = network.makeHost("a", addresses: ["10.0.1.2"])
        host.interface.routedFamilies = []
        var configuration = ICEConfiguration()
        configuration.addressExposure = isHidden ? .defaultRouteOnly : .defaultRoute
        let client = ICEClient(on: host, configuration: configuration)
        client.gatherCandidates()
        network.run(for: .milliseconds(1))
        #expect(client.gatheringState == .complete)
        #expect(client.localCandidates.isEmpty)
    }

    @Test("No host: reflexive and relayed candidates alone are signalled and paired, and related addresses are hidden")
    func noHost() throws {
        let scene = try Scene(urls: ["turn:192.0.2.10", "stun:192.0.2.10"]) { $0.transportPolicy = .noHost }
        #expect(scene.kinds == [.relayed, .relayed, .serverReflexive, .serverReflexive])
        #expect(!scene.showsHost)
        #expect(scene.candidates.filter { $0.kind == .serverReflexive }.allSatisfy { $0.relatedAddress == nil })
    }

    @Test("No host: calls over NATs connect on reflexive pairs, stay up, and are restarted")
    func noHostCall() throws {
        let scene = try GatheringTests.Scene(urls: ["stun:192.0.2.10"], behind: .portRestricted) {
            $0.transportPolicy = .noHost
        }
        let call = scene.call
        #expect(call.connect())
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(5)))
        for client in call.clients {
            #expect(client.localCandidates.map(\.kind) == [.serverReflexive])
            #expect(client.candidatePairs.allSatisfy { $0.local.kind != .host && $0.remote.kind != .host })
        }
        scene.network.run(for: .seconds(60))
        #expect(call.isCompleted)
        for client in call.clients { client.restart() }
        for (client, peer) in [(call.caller, call.callee), (call.callee, call.caller)] {
            try client.setRemoteParameters(peer.localParameters)
        }
        #expect(scene.network.run(until: { call.isCompleted }, atMost: .seconds(10)))
        scene.network.run(for: .seconds(60))
        #expect(call.isCompleted && !call.states.joined().contains(.failed))
        #expect(call.clients.allSatisfy { $0.localCandidates.map(\.kind) == [.serverReflexive] })
    }

    @Test("No host: a public address is what the server shows of it, and nothing without one")
    func noHostInTheOpen() throws {
        let scene = try GatheringTests.Scene(urls: ["stun:192.0.2.10"]) { $0.transportPolicy = .noHost }
        #expect(scene.call.connect())
        #expect(scene.candidates.map(\.kind) == [.serverReflexive])
        let bare = try GatheringTests.Scene(urls: []) { $0.transportPolicy = .noHost }
        bare.call.start()
        bare.network.run(for: .seconds(1))
        #expect(bare.call.clients.allSatisfy { $0.localCandidates.isEmpty && $0.state == .failed })
    }

    @Test("No host: a check for the hidden address is not answered")
    func noHostIsSilent() throws {
        let call = try ScriptedCall { $0.transportPolicy = .noHost }
        call.clientHost.ephemeralPorts = 50_000...50_000
        try call.start()
        let check = call.peer.check(for: call.client.localParameters)
        call.peer.send(check.bytes, to: "192.0.2.1:50000")
        call.run(.seconds(1))
        #expect(call.clientHost.counters[.delivered] == 1)
        #expect(call.peer.datagramCount == 0)
    }

    @Test("E6.2: relay policy: no candidate, related address or error shows the machine")
    func relayOnly() throws {
        let scene = try Scene(urls: ["turn:192.0.2.10", "turn:192.0.2.99"]) { $0.transportPolicy = .relay }
        #expect(scene.kinds == [.relayed, .relayed])
        #expect(!scene.showsHost)
        #expect(scene.candidates.allSatisfy { $0.relatedAddress == nil })
        #expect(scene.errors.allSatisfy { $0.address == nil && $0.port == nil })
    }
}
