import ICETesting
import Testing

@testable import ICE

@Suite("Mapped ports become candidates")
struct MappedCandidateTests {
    /// A client behind a NAT that maps ports on request, and what it tells.
    private final class Scene {
        let network = SimulatedNetwork(seed: 81)
        let nat: SimulatedNAT
        let host: SimulatedHost
        let mapper: FakeMapper
        let client: ICEClient
        private(set) var told: [Candidate] = []
        private(set) var removed: [Candidate] = []
        private(set) var errors: [CandidateError] = []
        private(set) var endedAt: Instant?

        init(_ behavior: NATBehavior = .fullCone, configure: (inout ICEConfiguration) -> Void = { _ in }) throws {
            nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: behavior)
            host = network.makeHost("host", addresses: ["10.0.0.2"], behind: nat)
            mapper = FakeMapper(network, answering: "203.0.113.1")
            var configuration = ICEConfiguration()
            configure(&configuration)
            client = ICEClient(on: host, configuration: configuration)
            client.portMapper = mapper
            client.onCandidate = { [weak self] candidate in
                if let candidate { self?.told.append(candidate) } else { self?.endedAt = self?.network.now }
            }
            client.onCandidateRemoved = { [weak self] in self?.removed.append($0) }
            client.onCandidateError = { [weak self] in self?.errors.append($0) }
        }

        var reflexive: [TransportAddress] { told.filter { $0.kind == .serverReflexive }.map(\.address) }

        func addServer() throws {
            let server = network.makeHost("stun", addresses: ["192.0.2.10"])
            try SimulatedSTUNServer(on: server)
        }

        func gather(for span: Duration = .seconds(1)) {
            client.gatherCandidates()
            network.run(for: span)
        }
    }

    @Test("A mapped port is a server-reflexive candidate whose related address is its base, and then comes the end")
    func candidate() throws {
        let scene = try Scene()
        scene.gather()
        let host = try #require(scene.told.first { $0.kind == .host })
        let mapped = try #require(scene.told.first { $0.kind == .serverReflexive })
        #expect(mapped.address == TransportAddress("203.0.113.1", port: host.address.port))
        #expect(mapped.relatedAddress == host.address)
        #expect(mapped.foundation != host.foundation)
        #expect(mapped.priority < host.priority)
        #expect(mapped.priority >> 24 == 100)
        #expect(scene.client.gatheringState == .complete)
        let ended = try #require(scene.endedAt)
        #expect(ended - .init(nanoseconds: 0) >= scene.mapper.delay)
        #expect(scene.mapper.mappings.map(\.local) == [host.address])
    }

    @Test("A mapper that is silent holds the end up for the gathering timeout and no longer")
    func silent() throws {
        let scene = try Scene { $0.gatheringTimeout = .seconds(3) }
        scene.mapper.answer = { _ in nil }
        scene.gather(for: .milliseconds(2_900))
        #expect(scene.endedAt == nil)
        scene.network.run(for: .milliseconds(200))
        #expect(scene.endedAt != nil)
        #expect(scene.reflexive.isEmpty)
        // What comes later is kept for the next generation.
        let mapping = try #require(scene.mapper.mappings.first)
        mapping.tell(.success("203.0.113.1:4000"))
        scene.network.run(for: .seconds(1))
        #expect(scene.reflexive.isEmpty)
        scene.client.restart()
        scene.network.run(for: .seconds(1))
        #expect(scene.reflexive == ["203.0.113.1:4000"])
        #expect(scene.mapper.mappings.count == 1)
    }

    @Test("A mapper that is of no use for an address is waited for no moment, and nobody hears of it")
    func useless() throws {
        let scene = try Scene()
        scene.mapper.isOfUse = false
        scene.gather(for: .milliseconds(10))
        #expect(scene.endedAt != nil)
        #expect(scene.errors.isEmpty)
    }

    @Test("A failure is told once, and ends the wait")
    func failure() throws {
        let scene = try Scene { $0.gatheringPolicy = .once }
        scene.mapper.answer = { _ in .failure(PortMappingError(.refused, "no")) }
        _ = try scene.client.addStream(components: 2)
        scene.gather(for: .milliseconds(100))
        #expect(scene.mapper.mappings.count == 2)
        #expect(scene.endedAt != nil)
        #expect(scene.errors.map(\.errorText) == ["no mapped port: refused: no"])
        #expect(scene.errors.first?.errorCode == 701 && scene.errors.first?.url == "")
    }

    @Test("What a STUN server shows as well is one candidate", arguments: [5, 200])
    func duplicates(delay: Int) throws {
        let scene = try Scene { $0.servers = [try! ICEServer(urls: ["stun:192.0.2.10"])] }
        try scene.addServer()
        scene.mapper.delay = .milliseconds(delay)
        scene.gather()
        #expect(scene.reflexive.count == 1)
        #expect(scene.endedAt != nil)
    }

    @Test("What a STUN server shows of another address stands beside it, with priorities of their own")
    func besideServer() throws {
        let scene = try Scene { $0.servers = [try! ICEServer(urls: ["stun:192.0.2.10"])] }
        try scene.addServer()
        scene.mapper.answer = { _ in .success("203.0.113.1:40000") }
        scene.gather()
        let found = scene.told.filter { $0.kind == .serverReflexive }
        #expect(found.count == 2)
        #expect(Set(found.map(\.priority)).count == 2)
        #expect(Set(found.map(\.foundation)).count == 2)
    }

    @Test("With continual gathering a mapping that is lost is withdrawn, and one that moves is told anew")
    func continual() throws {
        let scene = try Scene { $0.gatheringPolicy = .continually }
        scene.gather()
        let mapping = try #require(scene.mapper.mappings.first)
        let first = TransportAddress("203.0.113.1", port: mapping.local.port)
        #expect(scene.reflexive == [first])
        mapping.tell(.success(first))
        mapping.tell(.success("203.0.113.9:4000"))
        scene.network.run(for: .seconds(1))
        #expect(scene.reflexive == [first, "203.0.113.9:4000"])
        #expect(scene.removed.map(\.address) == [first])
        mapping.tell(.failure(PortMappingError(.unsupported, "gone")))
        scene.network.run(for: .seconds(1))
        #expect(scene.removed.map(\.address) == [first, "203.0.113.9:4000"])
        #expect(scene.client.localCandidates.allSatisfy { $0.kind == .host })
        mapping.tell(.success("203.0.113.9:4001"))
        scene.network.run(for: .seconds(1))
        #expect(scene.client.localCandidates.map(\.address).contains("203.0.113.9:4001"))
    }

    @Test("Where a server shows the same address, losing the mapping withdraws nothing")
    func lostButShown() throws {
        let scene = try Scene {
            $0.gatheringPolicy = .continually
            $0.servers = [try! ICEServer(urls: ["stun:192.0.2.10"])]
        }
        try scene.addServer()
        scene.mapper.delay = .milliseconds(200)
        scene.gather()
        let mapping = try #require(scene.mapper.mappings.first)
        mapping.tell(.failure(PortMappingError(.unsupported, "gone")))
        scene.network.run(for: .seconds(1))
        #expect(scene.removed.isEmpty)
        #expect(scene.client.localCandidates.contains { $0.kind == .serverReflexive })
    }

    @Test("Each socket's mapping ends with it: its address goes, its stream, or the client")
    func ends() throws {
        let scene = try Scene { $0.gatheringPolicy = .continually }
        scene.gather()
        let second = try scene.client.addStream()
        scene.network.run(for: .seconds(1))
        #expect(scene.mapper.mappings.map(\.isClosed) == [false, false])
        scene.client.removeStream(second)
        #expect(scene.mapper.mappings.map(\.isClosed) == [false, true])
        let wlan = scene.host.addInterface("wlan0", addresses: ["10.0.0.3"], behind: scene.nat)
        scene.network.run(for: .seconds(3))
        #expect(scene.mapper.mappings.map(\.isClosed) == [false, true, false])
        wlan.removeAddress("10.0.0.3")
        scene.network.run(for: .seconds(3))
        #expect(scene.mapper.mappings.map(\.isClosed) == [false, true, true])
        scene.client.close()
        #expect(scene.mapper.mappings.allSatisfy { $0.isClosed })
    }

    @Test("A client that is let go of ends its mappings")
    func deinitialised() throws {
        let network = SimulatedNetwork(seed: 82)
        let host = network.makeHost("host", addresses: ["10.0.0.2"])
        let mapper = FakeMapper(network, answering: "203.0.113.1")
        do {
            let client = ICEClient(on: host)
            client.portMapper = mapper
            client.gatherCandidates()
            network.run(for: .seconds(1))
            #expect(mapper.mappings.map(\.isClosed) == [false])
        }
        #expect(mapper.mappings.map(\.isClosed) == [true])
    }

    @Test("Nothing is mapped where nothing but relays may be used, nor by a lite agent", arguments: [true, false])
    func unwanted(isLite: Bool) throws {
        let scene = try Scene { configuration in
            if isLite { configuration.isLite = true } else { configuration.transportPolicy = .relay }
        }
        scene.gather()
        #expect(scene.mapper.mappings.isEmpty)
        #expect(scene.endedAt != nil)
    }

    @Test("Host addresses that are not told are not told by mapped candidates either")
    func hidden() throws {
        let scene = try Scene { $0.transportPolicy = .noHost }
        scene.gather()
        #expect(scene.told.map(\.kind) == [.serverReflexive])
        #expect(scene.told.first?.relatedAddress.map { $0.ip.isUnspecified } ?? true)
    }

    @Test("A peer behind a symmetric NAT gets through to a mapped port without any server")
    func call() throws {
        let network = SimulatedNetwork(seed: 83)
        let nat = network.makeNAT("nat", external: ["203.0.113.1"], behavior: .symmetric)
        let far = network.makeNAT("far", external: ["203.0.113.2"], behavior: .symmetric)
        let call = SimulatedCall(
            network, network.makeHost("a", addresses: ["10.0.0.2"], behind: nat),
            network.makeHost("b", addresses: ["10.0.1.2"], behind: far))
        let mapper = FakeMapper(network, answering: "203.0.113.1")
        mapper.answer = { local in
            nat.forward(.udp, from: TransportAddress("203.0.113.1", port: 40_000), to: local)
            return .success("203.0.113.1:40000")
        }
        call.caller.portMapper = mapper
        #expect(call.connect())
        #expect(call.talk())
    }
}
