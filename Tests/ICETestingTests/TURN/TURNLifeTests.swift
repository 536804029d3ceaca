import ICETesting
import NetBase
import STUN
import Testing

@Suite("What the simulated TURN server keeps, it keeps for a time")
struct TURNLifeTests {
    private typealias M = STUNMessage
    private static let udp = STUNMessage.RequestedTransport(17)
    private let scene: TURNScene
    private let client: HandmadeTURNClient
    private var server: SimulatedTURNServer { scene.server }

    init() throws {
        scene = try TURNScene()
        client = try scene.client()
        client.learn(from: try #require(try client.ask(.allocate)))
    }

    @Test(
        "A lifetime is the one asked for, within the server's limits",
        arguments: [(nil, 600), (0, 600), (10, 600), (700, 700), (3600, 3600), (7200, 3600)] as [(UInt32?, UInt32)])
    func lifetimes(_ asked: UInt32?, _ given: UInt32) throws {
        let wish: [any STUNAttribute] = asked.map { [M.Lifetime($0)] } ?? []
        #expect(try client.ask(.allocate, [Self.udp] + wish)?.lifetime == given)
        #expect(try client.ask(.refresh, wish)?.lifetime == (asked == 0 ? 0 : given))
        #expect(server.allocations.count == (asked == 0 ? 0 : 1))
    }

    @Test("An allocation that is not refreshed ends, and its port is closed", arguments: [false, true])
    func expiry(_ isRefreshed: Bool) throws {
        let relayed = try #require(try client.allocate().first)
        scene.network.run(for: .seconds(590))
        if isRefreshed { #expect(try client.request(.refresh).lifetime == 600) }
        scene.network.run(for: .seconds(9))
        #expect(server.allocations.count == 1)
        scene.network.run(for: .seconds(2))
        #expect(server.allocations.count == (isRefreshed ? 1 : 0))
        #expect(server.counters.expiredAllocations == (isRefreshed ? 0 : 1))
        #expect(try client.request(.refresh).code == (isRefreshed ? nil : 437))
        try scene.peer.send(to: relayed)
        scene.settle()
        #expect(scene.peer.unreachable.map(\.destination) == (isRefreshed ? [] : [relayed]))
    }

    @Test("Data prolongs nothing")
    func dataProlongsNothing() throws {
        let relayed = try #require(try client.allocate().first)
        let bind: [any STUNAttribute] = [M.ChannelNumber(0x4000), M.XORPeerAddress(scene.peer.address)]
        #expect(try client.ask(.channelBind, bind)?.code == nil)
        for _ in 0..<61 {
            scene.network.run(for: .seconds(10))
            try client.sendChannelData([1], on: 0x4000)
            try client.sendIndication([2], to: scene.peer.address)
            try scene.peer.send([3], to: relayed)
        }
        scene.settle()
        #expect(server.allocations.isEmpty)
        // The permission ends after 300 s and with it all but the channel's way out, the allocation after 600 s.
        #expect(server.counters.sendIndications == 29 && server.counters.channelDataFromClients == 59)
        #expect(server.counters.channelDataToClients == 29)
    }

    @Test("B2.5, B2.4: a permission ends 300 s after it was last asked for")
    func permission() throws {
        let relayed = try #require(try client.allocate().first)
        let address = M.XORPeerAddress(scene.peer.address)
        try client.request(.createPermission, address)
        scene.network.run(for: .seconds(200))
        try client.request(.createPermission, address)
        for (wait, isPermitted) in [(299, true), (1, false)] {
            scene.network.run(for: .seconds(wait))
            let count = client.data.count
            try scene.peer.send([1], to: relayed)
            scene.settle()
            #expect((client.data.count > count) == isPermitted)
            #expect(server.allocations.first?.permissions == (isPermitted ? ["192.0.2.3"] : []))
        }
    }

    @Test("A channel ends 600 s after it was last bound; its number and peer are then free")
    func channel() throws {
        try client.allocate(M.Lifetime(3600))
        let peer = M.XORPeerAddress(scene.peer.address)
        try client.request(.channelBind, M.ChannelNumber(0x4000), peer)
        scene.network.run(for: .seconds(599))
        #expect(try client.request(.channelBind, M.ChannelNumber(0x4001), peer).code == 400)
        try client.sendChannelData([1], on: 0x4000)
        scene.settle()
        #expect(scene.peer.payloads == [[1]])
        scene.network.run(for: .seconds(1))
        try client.sendChannelData([2], on: 0x4000)
        scene.settle()
        #expect(scene.peer.payloads == [[1]])
        #expect(try client.request(.channelBind, M.ChannelNumber(0x4001), peer).code == nil)
    }

    @Test("All lifetimes can be shortened")
    func shortened() throws {
        server.settings.defaultLifetime = .seconds(10)
        server.settings.maximumLifetime = .seconds(20)
        server.settings.permissionLifetime = .seconds(3)
        server.settings.channelLifetime = .seconds(6)
        #expect(try client.ask(.allocate, [Self.udp, M.Lifetime(600)])?.lifetime == 20)
        try client.request(.channelBind, M.ChannelNumber(0x4000), M.XORPeerAddress(scene.peer.address))
        var ends: [Int] = []
        for second in 1...20 {
            let before = server.allocations.first
            scene.network.run(for: .seconds(1))
            let after = server.allocations.first
            if before?.permissions != after?.permissions || before?.channels != after?.channels { ends.append(second) }
        }
        #expect(ends == [3, 6, 20], "the permission, the channel, the allocation")
        #expect(server.allocations.isEmpty)
    }

    @Test("Halves of a dual allocation are refreshed and released by themselves")
    func dual() throws {
        try client.allocate(M.AdditionalAddressFamily(.v6))
        for peer in [scene.peer.address, scene.peer6.address] {
            try client.request(.createPermission, M.XORPeerAddress(peer))
        }
        try client.request(.channelBind, M.ChannelNumber(0x4006), M.XORPeerAddress(scene.peer6.address))
        #expect(try client.request(.refresh, M.RequestedAddressFamily(.v6), M.Lifetime(1200)).lifetime == 1200)
        scene.network.run(for: .seconds(299))
        #expect(try client.request(.refresh, M.RequestedAddressFamily(.v4), M.Lifetime(0)).lifetime == 0)
        let left = try #require(server.allocations.first)
        #expect(left.relayedAddresses.map(\.family) == [.v6])
        #expect(left.permissions == ["2001:db8::3"] && left.channels.count == 1)
        #expect(try client.request(.refresh, M.RequestedAddressFamily(.v4)).code == 443)
        #expect(try client.request(.createPermission, M.XORPeerAddress(scene.peer.address)).code == 443)
        scene.network.run(for: .seconds(900))
        #expect(server.allocations.count == 1)
        scene.network.run(for: .seconds(2))
        #expect(server.allocations.isEmpty)
    }

    @Test("A refresh of no family in particular is for both halves")
    func refreshBoth() throws {
        try client.allocate(M.AdditionalAddressFamily(.v6))
        #expect(try client.request(.refresh, M.Lifetime(0)).lifetime == 0)
        #expect(server.allocations.isEmpty)
        #expect(try client.request(.refresh, M.Lifetime(0)).code == 437)
        #expect(server.counters.expiredAllocations == 0)
    }

    @Test("A nonce goes stale for every method, and the next one is good")
    func staleNonce() throws {
        server.settings.nonceLifetime = .seconds(30)
        try client.allocate()
        let peer = M.XORPeerAddress(scene.peer.address)
        let requests: [(STUNMethod, [any STUNAttribute])] = [
            (.createPermission, [peer]), (.channelBind, [M.ChannelNumber(0x4000), peer]), (.refresh, []),
        ]
        for (method, attributes) in requests {
            scene.network.run(for: .seconds(31))
            let stale = try #require(try client.ask(method, attributes))
            #expect(stale.code == 438)
            client.learn(from: stale)
            #expect(try client.ask(method, attributes)?.messageClass == .success)
        }
    }
}

@Suite("The simulated TURN server misbehaves as it is told")
struct TURNFaultTests {
    private typealias M = STUNMessage
    private static let udp = STUNMessage.RequestedTransport(17)
    private let scene: TURNScene
    private var server: SimulatedTURNServer { scene.server }

    init() throws { scene = try TURNScene() }

    @Test("After a restart all is forgotten: nonces are stale, requests mismatch, ports are closed, streams reset")
    func restart() throws {
        let client = try scene.client()
        let stream = try scene.streamClient()
        let relayed = try #require(try client.allocate(M.EvenPort(reservesNextPort: true)).first)
        try stream.allocate()
        server.restart()
        #expect(server.allocations.isEmpty)
        #expect(try client.ask(.refresh)?.code == 438)
        #expect(try client.request(.refresh).code == 437)
        for port in [relayed.port, relayed.port + 1] {
            try scene.peer.send(to: TransportAddress(relayed.ip, port: port))
        }
        scene.settle()
        #expect(scene.peer.unreachable.count == 2)
        #expect(stream.ending == .connectionReset)
        try client.allocate()
        #expect(server.allocations.count == 1 && server.counters.allocations == 3)
    }

    @Test("A server that is away comes back when its last restart says, and at once where that says nothing")
    func absence() throws {
        let client = try scene.client()
        let isThere = { try client.ask(.binding) != nil }
        server.restart(after: .seconds(2))
        scene.network.run(for: .seconds(1))
        server.restart(after: .seconds(4))
        scene.network.run(for: .seconds(2))
        #expect(try !isThere())
        scene.network.run(for: .seconds(2))
        #expect(try isThere())
        server.restart(after: .seconds(2))
        #expect(try !isThere())
        server.restart()
        #expect(try isThere())
    }

    @Test("A server whose TCP port somebody has when it comes back stays away, over UDP too")
    func portTaken() throws {
        let client = try scene.client()
        let address = try #require(server.addresses.first)
        server.restart(after: .seconds(1))
        let other = try scene.host.listen(on: address) { _ in }
        scene.network.run(for: .seconds(2))
        #expect(try client.ask(.binding) == nil)
        try scene.host.bind(address).close()
        other.close()
    }

    @Test("An allocation ends with its connection", arguments: [true, false])
    func disconnection(_ isReset: Bool) throws {
        let client = try scene.streamClient()
        try client.allocate()
        let stream = try #require(client.link as? SimulatedStream)
        if isReset { stream.reset() } else { stream.close() }
        scene.settle()
        #expect(server.allocations.isEmpty)
    }

    @Test("A stream of something else is reset")
    func noise() throws {
        let client = try scene.streamClient()
        try client.allocate()
        try client.send(Array(repeating: 0xff, count: 20))
        scene.network.run(for: .milliseconds(10))
        #expect(client.ending != nil)
        #expect(server.allocations.isEmpty)
    }

    @Test("It answers with errors that it is told to, so often and to those it knows")
    func injectedErrors() throws {
        let client = try scene.client()
        server.fail(.allocate, with: .serverError, times: 2)
        server.fail(.createPermission, with: .forbidden)
        #expect(try client.ask(.allocate, [Self.udp])?.code == 401)
        for code in [500, 500, nil] {
            let response = try client.request(.allocate, Self.udp)
            #expect(response.code == code && response.contains(type: M.MessageIntegrity.type))
        }
        let peer = M.XORPeerAddress(scene.peer.address)
        #expect(try client.request(.createPermission, peer).code == 403)
        #expect(try client.request(.createPermission, peer).code == nil)
        #expect(server.counters.errors == [401: 2, 500: 2, 403: 1])
        #expect(server.counters.requests == [.allocate: 5, .createPermission: 2])
    }

    @Test("It loses requests, falls silent and thinks for long")
    func silence() throws {
        let client = try scene.client()
        server.dropNext = 2
        #expect(try client.ask(.allocate) == nil)
        #expect(try client.ask(.allocate) == nil)
        let relayed = try #require(try client.allocate().first)
        try client.request(.createPermission, M.XORPeerAddress(scene.peer.address))
        server.isSilent = true
        #expect(try client.ask(.refresh) == nil)
        try client.sendIndication([1], to: scene.peer.address)
        try scene.peer.send(to: relayed)
        scene.settle()
        #expect(scene.peer.received.isEmpty && client.data.isEmpty)
        server.isSilent = false
        server.delay = .milliseconds(150)
        let start = scene.network.now
        #expect(try client.ask(.refresh)?.code == nil)
        #expect(scene.network.now == start + .milliseconds(150))
    }

    @Test("A relayed address that the host loses drops what goes out")
    func lostAddress() throws {
        let client = try scene.client("[2001:db8::2]:5000")
        try client.allocate()
        try client.request(.createPermission, M.XORPeerAddress(scene.peer.address))
        scene.host.interface.removeAddress("192.0.2.1")
        try client.sendIndication([1], to: scene.peer.address)
        scene.settle()
        #expect(server.counters.drops == [.unsendable: 1])
        #expect(try scene.client("[2001:db8::2]:5001").request(.allocate, Self.udp).code == 440)
    }

    @Test("It goes with its network, in the middle of its work")
    func freed() throws {
        weak var weakServer: SimulatedTURNServer?
        weak var weakHost: SimulatedHost?
        do {
            let scene = try TURNScene()
            let (client, stream) = (try scene.client(), try scene.streamClient())
            try client.allocate()
            try stream.allocate()
            try client.sendIndication([1], to: scene.peer.address)
            scene.server.delay = .seconds(1)
            try client.send(STUNMessage(.request, .binding, transactionID: client.makeID()).bytes)
            scene.settle()
            (weakServer, weakHost) = (scene.server, scene.host)
            #expect(weakServer != nil)
        }
        #expect(weakServer == nil)
        #expect(weakHost == nil)
    }
}
