import ICE
import ICETesting
import NetBase
import Testing

@Suite("Gathering of relayed TCP candidates (RFC 6062 §4.1)")
struct RelayedTCPGatheringTests {
    private let scene: RelayedTCPScene
    private let host: SimulatedHost

    init() throws {
        scene = try RelayedTCPScene(seed: 81)
        host = scene.open("a", at: "198.51.100.7")
    }

    /// What a client gets from servers, and when gathering ended.
    private func gather(
        _ transports: CandidateTransports, _ urls: [String], _ policy: ICEConfiguration.TransportPolicy = .relay
    ) throws -> (candidates: [Candidate], errors: [CandidateError], time: Duration) {
        var configuration = ICEConfiguration(role: .controlling)
        configuration.transports = transports
        configuration.transportPolicy = policy
        configuration.servers = [try ICEServer(urls: urls, username: "user", credential: "secret")]
        let client = ICEClient(on: host, configuration: configuration)
        var errors: [CandidateError] = []
        client.onCandidateError = { errors.append($0) }
        let began = scene.network.now
        client.gatherCandidates()
        #expect(scene.network.run(until: { client.gatheringState == .complete }, atMost: .seconds(20)))
        let time = scene.network.now - began
        scene.network.run(for: .milliseconds(1))
        defer { client.close() }
        return (client.localCandidates, errors, time)
    }

    private static let both = ["turn:192.0.2.10", "turn:192.0.2.10?transport=tcp"]

    @Test("No allocation of TCP is asked for unless the configuration has TCP, and TCP relays")
    func onRequestOnly() throws {
        for transports: CandidateTransports in [.udp, .tcp, [.udp, .tcp], [.udp, .relayedTCP]] {
            let before = scene.server.counters.allocations
            let found = try gather(transports, Self.both)
            #expect(found.errors.isEmpty || transports == .tcp)
            #expect(!found.candidates.isEmpty && found.candidates.allSatisfy { $0.transport == .udp })
            #expect(scene.server.counters.allocations == before + (transports.contains(.udp) ? 2 : 1))
        }
    }

    @Test("Relays for TCP are asked for over streams alone, behind those for UDP, and come after them")
    func order() throws {
        let found = try gather([.udp, .tcp, .relayedTCP], Self.both)
        #expect(found.errors.isEmpty)
        #expect(scene.server.counters.allocations == 3)
        #expect(
            found.candidates.map(\.transport) == [.udp, .udp, .tcp(.passive), .tcp(.active)])
        let priorities = found.candidates.sorted { $0.priority > $1.priority }.map(\.transport)
        #expect(priorities == [.udp, .udp, .tcp(.active), .tcp(.passive)])
    }

    @Test("Without UDP, a URL for UDP is told to be of no use, and how to write it")
    func urlForUDP() throws {
        let found = try gather([.tcp, .relayedTCP], ["turn:192.0.2.10"])
        #expect(found.candidates.isEmpty)
        #expect(found.errors.map(\.errorCode) == [701])
        #expect(found.errors.first?.errorText.contains("?transport=tcp") == true)
    }

    @Test("Without UDP they are the only candidates of a relay")
    func alone() throws {
        let found = try gather([.tcp, .relayedTCP], ["turn:192.0.2.10?transport=tcp"])
        #expect(found.errors.isEmpty && scene.server.counters.allocations == 1)
        #expect(found.candidates.map(\.transport) == [.tcp(.passive), .tcp(.active)])
    }

    @Test("A server that relays UDP alone is no error where it does that, and holds nothing up")
    func refused() throws {
        let usual = try gather([.udp, .tcp], Self.both).time
        scene.server.settings.supportsTCPRelays = false
        let found = try gather([.udp, .tcp, .relayedTCP], Self.both)
        #expect(found.errors.isEmpty, "\(found.errors)")
        #expect(found.candidates.map(\.transport) == [.udp, .udp])
        #expect(scene.server.counters.errors[442] == 1)
        #expect(found.time <= usual + .milliseconds(200), "\(found.time), \(usual)")
    }

    @Test("Where no relay comes from a server, what it says to TCP is told, once")
    func refusedAlone() throws {
        scene.server.settings.supportsTCPRelays = false
        let found = try gather([.tcp, .relayedTCP], ["turn:192.0.2.10?transport=tcp"])
        #expect(found.errors.map(\.errorCode) == [442])
        #expect(found.candidates.isEmpty)
    }

    @Test("A server that does not answer to TCP in time is no error where it gave a relay of UDP")
    func silent() throws {
        var configuration = ICEConfiguration(role: .controlling)
        configuration.transports = [.udp, .tcp, .relayedTCP]
        configuration.transportPolicy = .relay
        configuration.servers = [try scene.turn()]
        let client = ICEClient(on: host, configuration: configuration)
        var errors: [CandidateError] = []
        var relayed = 0
        client.onCandidateError = { errors.append($0) }
        client.onCandidate = { [scene] candidate in
            guard candidate?.kind == .relayed else { return }
            relayed += 1
            scene.server.isSilent = true
        }
        client.gatherCandidates()
        #expect(scene.network.run(until: { client.gatheringState == .complete }, atMost: .seconds(60)))
        scene.network.run(for: .milliseconds(1))
        #expect(errors.isEmpty && relayed == 1 && client.localCandidates.map(\.transport) == [.udp])
        client.close()
    }
}
