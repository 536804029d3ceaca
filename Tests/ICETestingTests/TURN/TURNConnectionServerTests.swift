import ICETesting
import NetBase
import STUN
import Testing

@Suite("The simulated TURN server relays TCP (RFC 6062)")
struct TURNConnectionServerTests {
    private typealias M = STUNMessage
    private static let tcp = STUNMessage.RequestedTransport(6)
    private let scene: TURNScene
    private let client: HandmadeTURNClient
    private let relayed: TransportAddress

    /// A plain TCP server that remembers.
    private final class Listener {
        private(set) var streams: [SimulatedStream] = []
        private(set) var received: [UInt8] = []
        private(set) var ends = 0

        init(_ host: SimulatedHost, _ address: TransportAddress) throws {
            try host.listen(on: address) { [unowned self] stream in
                streams.append(stream)
                stream.onBytes = { [unowned self] in received += [UInt8](copying: $0) }
                stream.onClose = { [unowned self] _ in ends += 1 }
            }
        }
    }

    private let listener: Listener
    private let peerHost: SimulatedHost

    init() throws {
        scene = try TURNScene()
        peerHost = scene.network.makeHost("tcp-peer", addresses: ["192.0.2.4"])
        listener = try Listener(peerHost, "192.0.2.4:80")
        client = try scene.streamClient()
        relayed = try #require(try client.request(.allocate, Self.tcp).relayed.first)
    }

    private var peer: M.XORPeerAddress { M.XORPeerAddress("192.0.2.4:80") }

    /// Connects, and gives the connection's number.
    private func connect() throws -> M.ConnectionID {
        try #require(try client.request(.connect, peer)[M.ConnectionID.self])
    }

    /// A connection of its own, whose bytes are gathered from the response on.
    private func bind(_ id: M.ConnectionID, as username: String = "alice", password: String = "secret") throws -> (
        line: HandmadeTURNClient, response: STUNMessage
    ) {
        let line = try scene.streamClient()
        (line.username, line.password) = (username, password)
        return (line, try line.request(.connectionBind, id))
    }

    @Test("B3.4: a relayed address of TCP is connected from, once a peer, and the connection waits for the client's")
    func connecting() throws {
        let response = try client.request(.connect, peer)
        #expect(response[M.ConnectionID.self] != nil)
        #expect(listener.streams.map(\.remoteAddress) == [relayed])
        #expect(try client.request(.connect, peer).code == 446)
        scene.network.run(for: .seconds(29))
        #expect(listener.ends == 0)
        scene.network.run(for: .seconds(2))
        #expect(listener.ends == 1)
        #expect(try client.request(.connect, peer).messageClass == .success)
    }

    @Test("B3.4: a second Connect for a peer is refused while the first is on its way")
    func simultaneous() throws {
        scene.network.makeHost("dead", addresses: ["192.0.2.66"]).answersClosedPorts = false
        let dead = M.XORPeerAddress("192.0.2.66:80")
        #expect(try client.ask(.connect, [dead]) == nil)
        #expect(try client.request(.connect, dead).code == 446)
        scene.network.run(for: .seconds(31))
        #expect(client.messages.last?.code == 447)
        #expect(client.messages.last?.contains(type: M.MessageIntegrity.type) == true)
    }

    @Test("B3.4: what cannot be connected to has its code")
    func refusals() throws {
        #expect(try client.request(.connect).code == 400)
        #expect(try client.request(.connect, M.XORPeerAddress("192.0.2.4:81")).code == 447)
        #expect(try client.request(.connect, M.XORPeerAddress("[2001:db8::3]:80")).code == 443)
        #expect(try client.request(.connect, M.XORPeerAddress("127.0.0.1:80")).code == 403)
        #expect(try scene.streamClient().request(.connect, peer).code == 437)
        let datagrams = try scene.streamClient()
        try datagrams.allocate()
        #expect(try datagrams.request(.connect, peer).code == 400)
    }

    @Test("B3.4: TCP is relayed for clients that come over TCP, without wishes for datagrams, where it is offered")
    func allocations() throws {
        #expect(try scene.client().request(.allocate, Self.tcp).code == 400)
        let wishes: [any STUNAttribute] = [
            M.DontFragment(), M.EvenPort(reservesNextPort: false), M.ReservationToken(1),
        ]
        for wish in wishes {
            #expect(try scene.streamClient().request(.allocate, Self.tcp, wish).code == 400)
        }
        scene.server.settings.supportsTCPRelays = false
        #expect(try scene.streamClient().request(.allocate, Self.tcp).code == 442)
    }

    @Test("B3.4: once bound, bytes go both ways as they are, those before and right behind the request too")
    func binding() throws {
        let id = try connect()
        try listener.streams[0].write([1, 2, 3])
        scene.settle()
        let line = try scene.streamClient()
        let challenge = try #require(try line.ask(.connectionBind, [id]))
        line.learn(from: challenge)
        var request = STUNMessage(.request, .connectionBind, transactionID: line.makeID())
        request.append(id)
        request.append(M.Username("alice"))
        request.append(M.Realm(try #require(line.realm)))
        request.append(M.Nonce(try #require(line.nonce)))
        request.appendIntegrity(IntegrityKey(longTermUsername: "alice", realm: "example.org", password: "secret"))
        let stream = try #require(line.link as? SimulatedStream)
        var bytes: [UInt8] = []
        stream.onBytes = { bytes += [UInt8](copying: $0) }
        try line.send(request.bytes + [0, 1, 0, 0])
        scene.network.run(for: .seconds(1))
        #expect(listener.received == [0, 1, 0, 0])
        #expect(bytes.suffix(3) == [1, 2, 3])
        let response = try STUNMessage(parsing: Array(bytes.dropLast(3)).span)
        #expect(response.messageClass == .success && response.transactionID == request.transactionID)
        try listener.streams[0].write([4])
        scene.network.run(for: .seconds(1))
        #expect(bytes.suffix(4) == [1, 2, 3, 4])
        listener.streams[0].close()
        scene.network.run(for: .seconds(1))
        #expect(scene.server.allocations.map(\.connections) == [[]])
    }

    @Test("B3.4: only what waits can be bound, once, over TCP, by its own user")
    func bindRefusals() throws {
        let id = try connect()
        #expect(try bind(id, as: "bob", password: "hidden").response.code == 441)
        #expect(try bind(M.ConnectionID(id.value &+ 1)).response.code == 400)
        #expect(try scene.streamClient().request(.connectionBind).code == 400)
        #expect(try client.request(.connectionBind, id).code == 400, "the control connection is none for data")
        #expect(try scene.client().request(.connectionBind, id).code == 400)
        let bound = try bind(id)
        #expect(bound.response.messageClass == .success)
        #expect(try bind(id).response.code == 400)
    }

    @Test("B3.4: a peer that connects is told of where it has a permission, and waits 30 seconds")
    func attempts() throws {
        try client.request(.createPermission, M.XORPeerAddress("192.0.2.4:1"))
        var ending: NetworkError.Code?
        let stream = try peerHost.connect(to: relayed)
        stream.onClose = { ending = $0.code }
        scene.network.run(for: .seconds(1))
        let attempt = try #require(client.messages.last)
        #expect(attempt.method == .connectionAttempt && attempt.messageClass == .indication)
        #expect(attempt[M.XORPeerAddress.self]?.address == stream.localAddress)
        #expect(attempt[M.ConnectionID.self] != nil)
        scene.network.run(for: .seconds(28))
        #expect(ending == nil)
        scene.network.run(for: .seconds(2))
        #expect(ending == .endOfStream)
        var stranger: NetworkError.Code?
        let other = try scene.network.makeHost("stranger", addresses: ["192.0.2.9"]).connect(to: relayed)
        other.onClose = { stranger = $0.code }
        let count = client.messages.count
        scene.network.run(for: .seconds(1))
        #expect(stranger == .endOfStream && client.messages.count == count)
        #expect(scene.server.counters.connectionAttempts == 1)
    }

    @Test("A peer that sends too much before anybody is there for it is dropped")
    func backlog() throws {
        _ = try connect()
        scene.server.settings.streamBacklog = 1000
        try listener.streams[0].write([UInt8](repeating: 1, count: 900))
        scene.network.run(for: .seconds(1))
        #expect(listener.ends == 0)
        try listener.streams[0].write([UInt8](repeating: 1, count: 200))
        scene.network.run(for: .seconds(1))
        #expect(listener.ends == 1 && scene.server.allocations.map(\.connections) == [[]])
    }

    @Test("B3.4: what ends one end ends the other", arguments: ["client", "control", "restart", "expiry"])
    func endings(by cause: String) throws {
        let bound = try bind(try connect())
        let stream = try #require(bound.line.link as? SimulatedStream)
        var ending: NetworkError.Code?
        stream.onClose = { ending = $0.code }
        switch cause {
        case "client": stream.close()
        case "control": (client.link as? SimulatedStream)?.close()
        case "restart": scene.server.restart()
        default: scene.network.run(for: .seconds(601))
        }
        scene.network.run(for: .seconds(1))
        #expect(listener.ends == 1)
        #expect((ending == nil) == (cause == "client"))
        #expect(scene.server.allocations.isEmpty == (cause != "client"))
    }

    @Test("A slow server answers a Connect and a ConnectionBind before it sends anything else")
    func slow() throws {
        scene.server.delay = .milliseconds(50)
        let id = try connect()
        try listener.streams[0].write([7])
        let bound = try bind(id)
        #expect(bound.response.messageClass == .success)
    }
}
