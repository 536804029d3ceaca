import ICETesting
import MDNS
import Testing

@testable import ICE

@Suite("E5.2: names of the peer")
struct ResolvingTests {
    private static let name = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local"
    private static let line = "candidate:1 1 udp 2122260223 \(name) 50000 typ host"

    /// A client that knows its peer's credentials, beside a peer that is a bare socket.
    private final class Scene {
        let home: HomeScene
        let client: ICEClient
        let peer: ScriptedPeer
        let transcript: Transcript
        var network: SimulatedNetwork { home.network }

        init(configure: (inout ICEConfiguration) -> Void = { _ in }) throws {
            home = try HomeScene()
            var configuration = ICEConfiguration()
            configure(&configuration)
            client = ICEClient(on: home.a, configuration: configuration)
            peer = try ScriptedPeer(home.network, home.b, at: "192.168.1.3:50000")
            transcript = Transcript(of: client)
            client.gatherCandidates()
            client.processCandidates()
            try client.setRemoteParameters(peer.parameters)
            network.run(for: .milliseconds(100))
        }
    }

    @Test("E5.2: a name is asked for on the link, and its candidate is used and shown by the name alone")
    func resolves() throws {
        let scene = try Scene()
        // Nothing goes to the group before there is a name to look up.
        #expect(scene.home.multicastPackets().isEmpty && scene.home.a.sharedResponder == nil)
        try scene.client.addRemoteCandidate(Self.line)
        #expect(scene.client.remoteCandidates.isEmpty)
        scene.network.run(for: .milliseconds(20))
        #expect(Set(scene.home.multicastPackets().map(\.destination.port)) == [5353])
        try scene.home.answer(Self.name, "192.168.1.3")
        #expect(scene.network.run(until: { scene.client.state == .connected }, atMost: .seconds(1)))
        let remote = try #require(scene.client.selectedPair()?.remote)
        #expect(remote.hostName == Self.name && remote.address == "0.0.0.0:50000")
        #expect(scene.client.remoteCandidates.map(\.description) == [Self.line])
        #expect(scene.client.statistics().remoteCandidates.map(\.address) == [Self.name])
        #expect(try !scene.client.everything().contains("192.168.1.3"))
        #expect(!scene.transcript.lines.joined().contains("192.168.1.3"))
        // With the last name, the socket has gone.
        #expect(scene.home.a.sharedResponder == nil)
    }

    @Test("E5.2: with relays only, or where it is turned off, names are not asked for")
    func relayOnly() throws {
        for configure: (inout ICEConfiguration) -> Void in [
            { $0.transportPolicy = .relay }, { $0.multicastDNS = .off }, { $0.addressExposure = .proxyOnly },
        ] {
            let scene = try Scene(configure: configure)
            try scene.client.addRemoteCandidate(Self.line)
            scene.network.run(for: .seconds(10))
            #expect(scene.home.multicastPackets().isEmpty)
            #expect(scene.client.statistics().ignoredCandidates == 1)
        }
    }

    @Test("E5.2: names that are no UUIDs are not asked for, and neither are those of TCP candidates")
    func otherNames() throws {
        let scene = try Scene()
        try scene.client.addRemoteCandidate("candidate:1 1 udp 2122260223 printer.local 50000 typ host")
        try scene.client.addRemoteCandidate("candidate:1 1 tcp 1518280447 \(Self.name) 9 typ host tcptype active")
        scene.network.run(for: .seconds(10))
        #expect(scene.home.multicastPackets().isEmpty)
        #expect(scene.client.statistics().ignoredCandidates == 2)
    }

    @Test("E5.2: a name with two addresses is ignored, and the others go on")
    func ambiguous() throws {
        let scene = try Scene()
        try scene.client.addRemoteCandidate(Self.line)
        scene.network.run(for: .milliseconds(20))
        try scene.home.answer(Self.name, "192.168.1.3", "192.168.1.4")
        scene.network.run(for: .seconds(1))
        #expect(scene.client.remoteCandidates.isEmpty && scene.client.statistics().ignoredCandidates == 1)
        scene.client.addRemoteCandidate(scene.peer.candidate())
        #expect(scene.network.run(until: { scene.client.state == .connected }, atMost: .seconds(1)))
    }

    @Test("E5.2: a name that nobody knows costs its candidate alone; until then the end of candidates is not the end")
    func unknown() throws {
        let scene = try Scene { $0.patienceInterval = .milliseconds(500) }
        try scene.client.addRemoteCandidate(Self.line)
        scene.client.addRemoteCandidate(nil)
        scene.network.run(for: .milliseconds(14_000))
        #expect(scene.client.state == .new)
        #expect(scene.client.statistics().ignoredCandidates == 0)
        scene.network.run(for: .seconds(2))
        #expect(scene.client.state == .failed && scene.client.statistics().ignoredCandidates == 1)
        let start = scene.network.now
        scene.network.run(for: .seconds(20))
        #expect(scene.home.multicastPackets(since: start).isEmpty)
        #expect(scene.home.a.sharedResponder == nil)
    }

    @Test("E5.2: what comes behind the end of candidates is late, but for a name that was told before it")
    func endOfCandidates() throws {
        let scene = try Scene()
        try scene.client.addRemoteCandidate(Self.line)
        scene.client.addRemoteCandidate(nil)
        scene.network.run(for: .milliseconds(20))
        try scene.home.answer(Self.name, "192.168.1.3")
        #expect(scene.network.run(until: { scene.client.state == .completed }, atMost: .seconds(3)))
    }

    @Test("E5.2: a name is never paired with a relay of ours")
    func noRelay() throws {
        let scene = try Scene { $0.servers = (try? HomeScene.servers()) ?? [] }
        scene.network.run(for: .seconds(1))
        #expect(scene.client.localCandidates.contains { $0.kind == .relayed })
        scene.peer.answer = { _, _, _ in nil }
        try scene.client.addRemoteCandidate(Self.line)
        scene.network.run(for: .milliseconds(20))
        try scene.home.answer(Self.name, "192.168.1.3")
        scene.network.run(for: .seconds(2))
        #expect(!scene.client.candidatePairs.isEmpty)
        #expect(scene.client.candidatePairs.allSatisfy { $0.local.kind != .relayed })
        #expect(scene.home.server.allocations.allSatisfy { $0.permissions.isEmpty })
        // An address may be.
        scene.client.addRemoteCandidate(scene.peer.candidate(.serverReflexive, foundation: "9"))
        try scene.client.addRemoteCandidate("candidate:2 1 udp 2122260222 198.51.100.9 4000 typ host")
        #expect(scene.client.candidatePairs.contains { $0.local.kind == .relayed })
    }

    @Test("E5.2: failures of its pairs name the name")
    func failures() throws {
        let scene = try Scene { $0.patienceInterval = .seconds(1) }
        scene.peer.answer = { _, _, _ in nil }
        try scene.client.addRemoteCandidate(Self.line)
        scene.client.addRemoteCandidate(nil)
        scene.network.run(for: .milliseconds(20))
        try scene.home.answer(Self.name, "192.168.1.3")
        #expect(scene.network.run(until: { scene.client.state == .failed }, atMost: .seconds(60)))
        scene.network.run(for: .milliseconds(1))
        let said = scene.transcript.lines.joined(separator: "\n")
        #expect(said.contains("no answer from \(Self.name):50000"))
        #expect(!said.contains("192.168.1.3"))
        #expect(try !scene.client.everything().contains("192.168.1.3"))
    }

    @Test("E5.2: what the peer's checks alone have shown is hidden, and named once it is told")
    func peerReflexive() throws {
        let scene = try Scene()
        let local = try #require(scene.client.localCandidates.first { $0.address.family == .v4 })
        scene.peer.send(scene.peer.check(for: scene.client.localParameters).bytes, to: local.address)
        scene.network.run(for: .milliseconds(50))
        #expect(scene.client.remoteCandidates.map(\.kind) == [.peerReflexive])
        #expect(scene.client.statistics().remoteCandidates.map(\.address) == [nil])
        // A peer that tells a host address does not mind, unless it hides another.
        try scene.client.addRemoteCandidate("candidate:8 1 udp 2122260222 198.51.100.9 4000 typ relay")
        #expect(scene.client.remoteCandidates.first?.address == "0.0.0.0:9")
        try scene.client.addRemoteCandidate("candidate:9 1 udp 2122260222 198.51.100.8 4000 typ host")
        #expect(scene.client.remoteCandidates.first?.address == scene.peer.address)
        let id = scene.client.statistics().remoteCandidates[0].id
        #expect(!id.contains("192.168"))
        try scene.client.addRemoteCandidate(Self.line)
        #expect(scene.client.remoteCandidates.first?.address == "0.0.0.0:9")
        #expect(scene.client.statistics().remoteCandidates.first?.address == nil)
        #expect(try !scene.client.everything().contains("192.168.1.3"))
        try scene.home.answer(Self.name, "192.168.1.3")
        scene.network.run(for: .milliseconds(50))
        #expect(scene.client.statistics().remoteCandidates.first?.address == Self.name)
        #expect(scene.client.statistics().remoteCandidates.first?.id == id)
    }

    @Test("E5.2: names without end ask for a few at a time, and leave nothing behind")
    func flood() throws {
        let scene = try Scene()
        for number in 0..<1000 {
            let digits = String(number, radix: 16)
            let uuid = "1f4712db-ea17-4bcf-a596-" + String(repeating: "0", count: 12 - digits.count) + digits
            try scene.client.addRemoteCandidate("candidate:1 1 udp 2122260223 \(uuid).local 50000 typ host")
        }
        scene.network.run(for: .seconds(20))
        // Four questions for each of sixteen names, to the groups of both families.
        #expect(scene.home.multicastPackets().count == 16 * 4 * 2)
        #expect(scene.client.statistics().ignoredCandidates == 1000)
        #expect(scene.client.remoteCandidates.isEmpty)
    }

    @Test("E5.2: components and repetitions of a name make one question")
    func shared() throws {
        let scene = try Scene()
        try scene.client.addRemoteCandidate(Self.line)
        try scene.client.addRemoteCandidate(Self.line)
        scene.network.run(for: .milliseconds(20))
        try scene.home.answer(Self.name, "192.168.1.3")
        scene.network.run(for: .milliseconds(20))
        try scene.client.addRemoteCandidate(Self.line)
        try scene.client.addRemoteCandidate("candidate:1 1 udp 2122260222 \(Self.name) 50001 typ host")
        #expect(scene.client.remoteCandidates.count == 2)
        #expect(scene.home.multicastPackets().count == 2)
    }

    @Test("E5.2: closing and restarting while a name is asked for leaves nothing behind, and no event comes")
    func closing() throws {
        let scene = try Scene()
        try scene.client.addRemoteCandidate(Self.line)
        scene.network.run(for: .milliseconds(20))
        scene.client.restart()
        try scene.home.answer(Self.name, "192.168.1.3")
        scene.network.run(for: .milliseconds(100))
        #expect(scene.client.remoteCandidates.isEmpty)
        try scene.client.setRemoteParameters(scene.peer.parameters)
        try scene.client.addRemoteCandidate(Self.line)
        scene.client.close()
        try scene.home.answer(Self.name, "192.168.1.3")
        // The rest of the trace has a turn of its own.
        scene.network.run(for: .milliseconds(1))
        let count = scene.transcript.lines.count
        scene.network.run(for: .seconds(10))
        #expect(scene.home.a.sharedResponder == nil && scene.client.remoteCandidates.isEmpty)
        #expect(scene.transcript.lines.count == count)
    }

    @Test("E5.2: without a socket for multicast the name is not found, and the call goes on")
    func noSocket() throws {
        let home = try HomeScene()
        let platform = RefusingPlatform(home.a) { _ in false }
        platform.refusesMulticast = true
        let client = ICEClient(platform: platform, configuration: ICEConfiguration())
        client.gatherCandidates()
        client.processCandidates()
        try client.addRemoteCandidate(Self.line)
        #expect(client.statistics().ignoredCandidates == 1 && client.state == .new)
    }
}
