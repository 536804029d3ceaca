import ICETesting
import NetBase
import STUN
import Testing

@Suite("The simulated TURN server relays")
struct TURNRelayTests {
    private typealias M = STUNMessage
    private static let udp = STUNMessage.RequestedTransport(17)
    private let scene: TURNScene
    private let client: HandmadeTURNClient
    private var peer: Probe { scene.peer }

    init() throws {
        scene = try TURNScene()
        client = try scene.client()
    }

    private func permit(_ peers: TransportAddress..., by client: HandmadeTURNClient) throws -> Int? {
        try client.ask(.createPermission, peers.map { M.XORPeerAddress($0) })?.code
    }

    private func bind(_ number: UInt16, _ peer: TransportAddress, by client: HandmadeTURNClient) throws -> Int? {
        try #require(try client.ask(.channelBind, [M.ChannelNumber(number), M.XORPeerAddress(peer)])).code
    }

    @Test("B2.5: send indications go out and Data indications come back, empty ones too, once there is a permission")
    func indications() throws {
        let relayed = try #require(try client.allocate().first)
        try client.sendIndication([9], to: peer.address)
        try peer.send([9], to: relayed)
        scene.settle()
        #expect(peer.received.isEmpty && client.data.isEmpty)
        #expect(scene.server.counters.drops == [.noPermission: 2])

        #expect(try permit("192.0.2.3:1", by: client) == nil, "the port does not matter")
        for data in [[1, 2, 3], []] as [[UInt8]] {
            try client.sendIndication(data, to: peer.address, dontFragment: true)
            try peer.send(data, to: relayed)
            scene.settle()
        }
        #expect(peer.payloads == [[1, 2, 3], []])
        #expect(peer.sources == [relayed, relayed])
        #expect(client.data.map(\.data) == [[1, 2, 3], []])
        #expect(client.data.map(\.peer) == [peer.address, peer.address])
        #expect(scene.server.counters.sendIndications == 2 && scene.server.counters.dataIndications == 2)
    }

    @Test("Send indications that lack something, or ask for what the server cannot do, vanish")
    func badIndications() throws {
        try client.allocate()
        #expect(try permit(peer.address, by: client) == nil)
        for attributes in [[M.XORPeerAddress(peer.address)], [M.Data([1])]] as [[any STUNAttribute]] {
            var message = M(.indication, .send, transactionID: client.makeID())
            for attribute in attributes { message.append(attribute) }
            try client.send(message.bytes)
        }
        scene.server.settings.supportsDontFragment = false
        try client.sendIndication([1], to: peer.address, dontFragment: true)
        try client.sendIndication([1], to: scene.peer6.address)
        try client.send([0xff])
        scene.settle()
        #expect(peer.received.isEmpty)
        #expect(scene.server.counters.drops == [.malformed: 4, .noAllocation: 1])
    }

    @Test("A bound channel carries data both ways, and permits its peer")
    func channels() throws {
        let relayed = try #require(try client.allocate().first)
        try client.sendChannelData([1], on: 0x4000)
        #expect(try bind(0x4000, peer.address, by: client) == nil)
        try client.sendChannelData([1, 2, 3], on: 0x4000)
        try client.sendChannelData([], on: 0x4000)
        try client.sendIndication([4], to: peer.address)
        try peer.send([5, 6], to: relayed)
        scene.settle()
        #expect(peer.payloads == [[1, 2, 3], [], [4]])
        #expect(client.channelData.map(\.data) == [[5, 6]] && client.channelData.map(\.channel) == [0x4000])
        #expect(client.data.isEmpty)
        #expect(scene.server.counters.drops == [.noChannel: 1])
        #expect(scene.server.allocations.first?.channels == [0x4000: peer.address])
        #expect(scene.server.allocations.first?.permissions == ["192.0.2.3"])
    }

    @Test(
        "A number is bound to one peer, a peer to one number",
        arguments: [
            (0x4000, "192.0.2.3:7000", nil), (0x4001, "192.0.2.3:7000", 400), (0x4000, "192.0.2.3:7001", 400),
            (0x4001, "192.0.2.3:7001", nil), (0x4fff, "192.0.2.3:7001", nil), (0x3fff, "192.0.2.3:7001", 400),
            (0x5000, "192.0.2.3:7001", 400), (0x4001, "[2001:db8::3]:7000", 443), (0x4001, "127.0.0.1:7000", 403),
        ] as [(UInt16, TransportAddress, Int?)])
    func bindings(_ number: UInt16, _ peer: TransportAddress, _ code: Int?) throws {
        try client.allocate()
        #expect(try bind(0x4000, "192.0.2.3:7000", by: client) == nil)
        #expect(try bind(number, peer, by: client) == code)
    }

    @Test("A ChannelBind request needs both its attributes, a CreatePermission request one address, all well-formed")
    func incomplete() throws {
        try client.allocate()
        let address = M.XORPeerAddress(peer.address)
        #expect(try client.request(.channelBind, M.ChannelNumber(0x4000)).code == 400)
        #expect(try client.request(.channelBind, address).code == 400)
        #expect(try client.request(.createPermission).code == 400)
        let broken = RawAttribute(M.XORPeerAddress.type, [0, 1, 2])
        #expect(try client.request(.createPermission, address, broken).code == 400)
        #expect(scene.server.allocations.first?.permissions == [])
    }

    @Test("Permissions come for several peers at once, or for none of them")
    func permissions() throws {
        try client.allocate()
        #expect(try permit("192.0.2.3:0", "192.0.2.4:0", by: client) == nil)
        #expect(try permit("192.0.2.5:0", "[2001:db8::3]:0", by: client) == 443)
        #expect(try permit("192.0.2.5:0", "169.254.169.254:80", by: client) == 403)
        scene.server.settings.permissionsPerAllocation = 3
        #expect(try permit("192.0.2.5:0", "192.0.2.6:0", by: client) == 508)
        #expect(try permit("192.0.2.3:0", "192.0.2.6:0", by: client) == nil)
        #expect(scene.server.allocations.first?.permissions == ["192.0.2.3", "192.0.2.4", "192.0.2.6"])
        scene.server.settings.channelsPerAllocation = 1
        #expect(try bind(0x4000, "192.0.2.3:1", by: client) == nil)
        #expect(try bind(0x4000, "192.0.2.3:1", by: client) == nil)
        #expect(try bind(0x4001, "192.0.2.3:2", by: client) == 508)
    }

    @Test(
        "B2.15: peers may be denied by kind",
        arguments: [
            ("0.0.0.0:1", .local), ("127.1.2.3:1", .local), ("169.254.1.1:1", .linkLocal), ("224.0.0.1:1", .multicast),
            ("10.1.1.1:1", .privateUse), ("172.31.0.1:1", .privateUse), ("192.168.1.1:1", .privateUse),
            ("172.32.0.1:1", []), ("[::1]:1", .local), ("[::ffff:127.0.0.1]:1", .local), ("[fe80::1]:1", .linkLocal),
            ("[ff02::1]:1", .multicast), ("[fd00::1]:1", .privateUse), ("[2001:db8::3]:1", []),
        ] as [(TransportAddress, TURNPeerKinds)])
    func deniedPeers(_ peer: TransportAddress, _ kind: TURNPeerKinds) throws {
        let all: TURNPeerKinds = [.local, .linkLocal, .multicast, .privateUse]
        try client.allocate(M.AdditionalAddressFamily(.v6))
        scene.server.settings.deniedPeers = all
        #expect(try permit(peer, by: client) == (kind.isEmpty ? nil : 403))
        scene.server.settings.deniedPeers = all.subtracting(kind)
        #expect(try permit(peer, by: client) == nil)
    }

    @Test("An IPv4 client reaches IPv6 peers through a dual allocation, and each peer the address of its family")
    func families() throws {
        let relayed = try client.allocate(M.AdditionalAddressFamily(.v6))
        #expect(try permit(peer.address, scene.peer6.address, by: client) == nil)
        #expect(try bind(0x4000, scene.peer6.address, by: client) == nil)
        try client.sendIndication([4], to: peer.address)
        try client.sendChannelData([6], on: 0x4000)
        try peer.send([4, 4], to: relayed[0])
        try scene.peer6.send([6, 6], to: relayed[1])
        scene.settle()
        #expect(peer.sources == [relayed[0]] && scene.peer6.sources == [relayed[1]])
        #expect(client.data.map(\.data) == [[4, 4]] && client.channelData.map(\.data) == [[6, 6]])
    }

    @Test("Clients over IPv6 are served as well")
    func overIPv6() throws {
        let client = try scene.client("[2001:db8::2]:5000")
        #expect(try client.allocate().map(\.ip) == ["192.0.2.1"])
        #expect(try permit(peer.address, by: client) == nil)
        try client.sendIndication([1], to: peer.address)
        scene.settle()
        #expect(peer.payloads == [[1]])
    }

    @Test("Over TCP everything comes through, however the stream is cut")
    func overTCP() throws {
        let client = try scene.streamClient()
        let relayed = try #require(try client.allocate().first)
        #expect(try bind(0x4000, peer.address, by: client) == nil)
        let payloads = (0..<50).map { Array(repeating: UInt8($0), count: $0 * 7) }
        for payload in payloads {
            try client.sendChannelData(payload, on: 0x4000)
            try client.sendIndication(payload, to: peer.address)
            try peer.send(payload, to: relayed)
        }
        #expect(scene.network.run(until: { client.channelData.count == 50 }, atMost: .seconds(1)))
        scene.settle()
        #expect(peer.payloads.map(\.count) == payloads.flatMap { [$0.count, $0.count] })
        #expect(client.channelData.map(\.data) == payloads)
        #expect(scene.server.allocations.first?.transport == .tcp)
    }

    @Test("A client that reads too slowly loses data, never a response nor a part of a frame")
    func slowClient() throws {
        let client = try scene.streamClient()
        let relayed = try #require(try client.allocate().first)
        #expect(try bind(0x4000, peer.address, by: client) == nil)
        scene.host.link.outgoing.bandwidth = 800_000
        scene.server.settings.streamBacklog = 10_000
        let payload = Array(repeating: 7 as UInt8, count: 1000)
        for _ in 0..<100 { try peer.send(payload, to: relayed) }
        scene.settle()
        #expect(try client.request(.refresh).code == nil)
        scene.network.run(for: .seconds(2))
        let drops = try #require(scene.server.counters.drops[.slowClient])
        #expect(drops > 50 && client.channelData.count == 100 - drops)
        #expect(client.channelData.allSatisfy { $0.data == payload })
    }

    @Test("ICMP errors reach the client that has a permission for the peer", arguments: [true, false])
    func icmp(_ isPermitted: Bool) throws {
        try client.allocate(M.AdditionalAddressFamily(.v6))
        #expect(try permit("192.0.2.3:1", "[2001:db8::3]:1", by: client) == nil)
        scene.peer.socket.close()
        scene.peer6.socket.close()
        scene.network.run(for: .seconds(299))
        // With a slow way to the peer, the permission is gone when the error comes back.
        scene.host.link.setConditions(LinkConditions(delay: isPermitted ? .milliseconds(10) : .milliseconds(800)))
        try client.sendIndication([1], to: peer.address)
        try client.sendIndication([1], to: scene.peer6.address)
        scene.network.run(for: .seconds(5))
        let errors = client.icmp.compactMap { $0[M.ICMP.self] }
        let expected = [M.ICMP(icmpType: 3, icmpCode: 3), M.ICMP(icmpType: 1, icmpCode: 4)]
        #expect(errors == (isPermitted ? expected : []))
        #expect(client.icmp.first?[M.XORPeerAddress.self]?.address == (isPermitted ? peer.address : nil))
        #expect(scene.server.counters.sendIndications == 2)
    }

    @Test("Two clients of one server reach each other through their relays")
    func relayToRelay() throws {
        let other = try scene.client("192.0.2.2:5001")
        let mine = try #require(try client.allocate().first)
        let theirs = try #require(try other.allocate().first)
        #expect(try permit(theirs, by: client) == nil)
        #expect(try permit(mine, by: other) == nil)
        try client.sendIndication([1], to: theirs)
        scene.settle()
        #expect(other.data.map(\.peer) == [mine])
    }

    @Test("B2.15: requests need an allocation, and the user that made it; indications without one vanish")
    func mismatch() throws {
        let stranger = try scene.client("192.0.2.2:5001")
        stranger.learn(from: try #require(try stranger.ask(.allocate)))
        let address = M.XORPeerAddress(peer.address)
        let requests: [(STUNMethod, [any STUNAttribute])] = [
            (.refresh, []), (.createPermission, [address]), (.channelBind, [M.ChannelNumber(0x4000), address]),
        ]
        try client.allocate()
        client.username = "bob"
        client.password = "hidden"
        for (method, attributes) in requests {
            #expect(try stranger.ask(method, attributes)?.code == 437)
            #expect(try client.ask(method, attributes)?.code == 441)
        }
        try stranger.sendIndication([1], to: peer.address)
        try stranger.sendChannelData([1], on: 0x4000)
        scene.settle()
        #expect(scene.server.counters.drops == [.noAllocation: 2])
        #expect(scene.server.allocations.first?.permissions == [])
    }
}
