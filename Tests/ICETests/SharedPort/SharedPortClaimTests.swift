import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE

@Suite("A shared port: how many addresses one client may have")
struct SharedPortClaimTests {
    private static let port: TransportAddress = "192.0.2.10:4000"
    private static let peerAddress: TransportAddress = "203.0.113.1:7000"

    private let scene: SharedScene
    private let peer: ScriptedPeer

    init() throws {
        scene = try SharedScene()
        let host = scene.network.makeHost("peer", addresses: [Self.peerAddress.ip])
        peer = try ScriptedPeer(scene.network, host, at: Self.peerAddress)
    }

    /// A client that has a call with the peer.
    private func connect(_ configure: (inout ICEConfiguration) -> Void = { _ in }) throws -> ICEClient {
        let client = try scene.answerer {
            $0.multicastDNS = .off
            configure(&$0)
        }
        client.gatherCandidates()
        client.processCandidates()
        try client.setRemoteParameters(peer.parameters)
        scene.network.run(for: .milliseconds(500))
        let check = peer.check(for: client.localParameters) {
            $0.role = .controlling
            $0.nominates = true
        }
        peer.send(check.bytes, to: Self.port)
        scene.network.run(for: .milliseconds(500))
        return client
    }

    private func other(_ index: Int) -> TransportAddress {
        TransportAddress(IPAddress(v4: 0x6440_0001 + UInt32(index)), port: 5000)
    }

    /// Authentic checks from addresses that nobody has.
    private func check(_ client: ICEClient, from indices: Range<Int>) {
        for index in indices {
            let check = peer.check(for: client.localParameters) { $0.role = .controlling }
            scene.network.inject(check.bytes, from: other(index), to: Self.port)
        }
        scene.network.run(for: .milliseconds(100))
    }

    @Test("The address that a call's data goes to stays the call's, however many others checks come from")
    func dataPath() throws {
        let client = try connect()
        try #require(client.selectedPair()?.remote.address == Self.peerAddress)
        check(client, from: 0..<40)
        peer.send(Array("still here".utf8), to: Self.port)
        scene.network.run(for: .milliseconds(100))
        #expect(scene.texts(of: client) == ["still here"])
        #expect(scene.port.statistics.foreignDatagrams == 0)
    }

    @Test("A client with a relay has no more of them than others", arguments: [false, true])
    func bound(hasRelay: Bool) throws {
        let turn = try SimulatedTURNServer(
            on: scene.network.makeHost("turn", addresses: ["192.0.2.1"]), users: ["user": "secret"])
        let server = try ICEServer(urls: ["turn:192.0.2.1"], username: "user", credential: "secret")
        let client = try connect { if hasRelay { $0.servers = [server] } }
        #expect(turn.allocations.count == (hasRelay ? 1 : 0))
        check(client, from: 0..<40)
        for index in 0..<40 { scene.network.inject([0xff], from: other(index), to: Self.port) }
        scene.network.run(for: .milliseconds(100))
        // 16 at most, the latest, are the client's.
        #expect(scene.port.statistics.foreignDatagrams >= 24)
    }

    @Test("Of two calls that begin at once between the same two ends, from either side, one is there in the end")
    func crossing() throws {
        let scene = try SharedScene()
        let host = scene.network.makeHost("other server", addresses: ["203.0.113.1"])
        host.link.setConditions(LinkConditions(delay: .milliseconds(10)))
        let far = try SharedPort(on: host, configuration: SharedPortConfiguration(port: 6000))
        var calls: [(near: ICEClient, far: ICEClient)] = []
        for role in [Role.controlling, .controlled] {
            var configuration = ICEConfiguration(role: role.opposite)
            configuration.pacing = .server
            let other = scene.listening(try ICEClient(port: far, configuration: configuration))
            let near = try scene.answerer {
                $0.role = role
                $0.pacing = .server
            }
            calls.append((near, other))
        }
        for call in calls { try scene.introduce(call.near, call.far) }
        scene.network.run(for: .seconds(40))
        let living = calls.filter { $0.near.selectedPair() != nil && $0.far.selectedPair() != nil }
        #expect(living.count == 1)
        for client in calls.flatMap({ [$0.near, $0.far] }) where client.selectedPair() == nil {
            #expect(scene.failures(of: client).map(\.code) == [.addressTaken])
        }
    }
}
