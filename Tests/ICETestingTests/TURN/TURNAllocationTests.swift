import ICETesting
import NetBase
import STUN
import Testing

@Suite("The simulated TURN server allocates")
struct TURNAllocationTests {
    private typealias M = STUNMessage
    private static let udp = STUNMessage.RequestedTransport(17)
    private let scene: TURNScene
    private let client: HandmadeTURNClient

    init() throws {
        scene = try TURNScene()
        client = try scene.client()
    }

    @Test("B2.15: an allocation has a random high port, a lifetime, and tells where the client is")
    func success() throws {
        let challenge = try #require(try client.ask(.allocate, [Self.udp]))
        #expect(challenge.code == 401)
        client.learn(from: challenge)
        let response = try #require(try client.ask(.allocate, [Self.udp]))
        #expect(response.messageClass == .success)
        let relayed = try #require(response.relayed.first)
        #expect(response.relayed.count == 1 && relayed.ip == "192.0.2.1" && relayed.port >= 49_152)
        #expect(response.lifetime == 600)
        #expect(response[M.XORMappedAddress.self]?.address == "192.0.2.2:5000")
        #expect(response[M.Software.self] != nil)
        let key = IntegrityKey(longTermUsername: "alice", realm: "example.org", password: "secret")
        #expect(response.verifyIntegrity(key) == .valid(.sha1))
        #expect(scene.server.counters.allocations == 1)
        #expect(scene.server.allocations.map(\.relayedAddresses) == [[relayed]])
        #expect(scene.server.allocations.first?.username == "alice")
    }

    @Test("Relay ports follow from the seed and are spread")
    func ports() throws {
        func port(_ seed: UInt64) throws -> UInt16? { try TURNScene(seed: seed).client().allocate().first?.port }
        #expect(try port(1) == port(1))
        #expect(Set(try (1...5).map { try port($0) }).count == 5)
    }

    @Test("H9: a repeated Allocate request gets the same success, another one a 437")
    func repetition() throws {
        let address = try #require(try client.allocate().first)
        let id = client.makeID()
        let other = try scene.client("192.0.2.2:5001")
        other.learn(from: try #require(try other.ask(.allocate)))
        let first = try #require(try other.ask(.allocate, [Self.udp], id: id))
        scene.network.run(for: .seconds(2))
        let second = try #require(try other.ask(.allocate, [Self.udp], id: id))
        #expect(second.relayed == first.relayed && second.relayed != [address])
        #expect(second.lifetime == 598)
        #expect(try other.request(.allocate, Self.udp).code == 437)
        #expect(scene.server.counters.allocations == 2)
    }

    @Test("Only what the client can use is offered: a wrong password stays a 401")
    func wrongPassword() throws {
        client.password = "guess"
        #expect(try client.request(.allocate, Self.udp).code == 401)
        #expect(scene.server.allocations.isEmpty)
    }

    @Test(
        "Requests that cannot be granted get their error, and leave nothing behind",
        arguments: [
            ([], 400), ([M.RequestedTransport(6)], 400), ([M.RequestedTransport(33)], 442),
            ([Self.udp, M.ReservationToken(1)], 508),
            ([Self.udp, M.ReservationToken(1), M.EvenPort(reservesNextPort: false)], 400),
            ([Self.udp, M.ReservationToken(1), M.RequestedAddressFamily(.v4)], 400),
            ([Self.udp, M.ReservationToken(1), M.AdditionalAddressFamily(.v6)], 400),
            ([Self.udp, M.RequestedAddressFamily(.v4), M.AdditionalAddressFamily(.v6)], 400),
            ([Self.udp, M.AdditionalAddressFamily(.v4)], 400),
            ([Self.udp, M.AdditionalAddressFamily(.v6), M.EvenPort(reservesNextPort: true)], 400),
            ([Self.udp, M.Priority(1)], 420),
        ] as [([any STUNAttribute], Int)])
    func refusals(_ attributes: [any STUNAttribute], _ code: Int) throws {
        client.learn(from: try #require(try client.ask(.allocate)))
        let response = try #require(try client.ask(.allocate, attributes))
        #expect(response.code == code)
        #expect(response.contains(type: M.MessageIntegrity.type))
        #expect(response[M.UnknownAttributes.self]?.value == (code == 420 ? [0x0024] : nil))
        #expect(scene.server.allocations.isEmpty)
        #expect(scene.server.counters.errors[code] == 1)
    }

    @Test("Attributes of the wrong size are a 400, unknown families a 440")
    func malformed() throws {
        client.learn(from: try #require(try client.ask(.allocate)))
        for (type, value, code) in [
            (M.RequestedTransport.type, [17], 400), (M.EvenPort.type, [], 400), (M.Lifetime.type, [1], 400),
            (M.RequestedAddressFamily.type, [1], 400), (M.RequestedAddressFamily.type, [3, 0, 0, 0], 440),
        ] as [(UInt16, [UInt8], Int)] {
            #expect(try client.ask(.allocate, [RawAttribute(type, value), Self.udp])?.code == code)
        }
    }

    @Test("A family that is switched off, or that the host lacks, gets a 440")
    func families() throws {
        scene.server.settings.families = [.v4]
        #expect(try client.request(.allocate, Self.udp, M.RequestedAddressFamily(.v6)).code == 440)
        scene.server.settings.families = [.v6]
        #expect(try client.request(.allocate, Self.udp).code == 440)
        let response = try client.request(.allocate, Self.udp, M.RequestedAddressFamily(.v6))
        #expect(response.relayed.map(\.ip) == ["2001:db8::1"])
    }

    @Test("A dual allocation has both families, or says why not")
    func dual() throws {
        let both = try client.request(.allocate, Self.udp, M.AdditionalAddressFamily(.v6))
        #expect(both.relayed.map(\.ip) == ["192.0.2.1", "2001:db8::1"])
        #expect(both[M.AddressErrorCode.self] == nil)
        scene.server.settings.families = [.v4]
        let other = try scene.client("192.0.2.2:5001")
        let half = try other.request(.allocate, Self.udp, M.AdditionalAddressFamily(.v6))
        #expect(half.relayed.map(\.family) == [.v4])
        let error = try #require(half[M.AddressErrorCode.self])
        #expect(error.family == .v6 && error.code == 440)
        scene.server.settings.families = []
        let third = try scene.client("192.0.2.2:5002")
        #expect(try third.request(.allocate, Self.udp, M.AdditionalAddressFamily(.v6)).code == 440)
    }

    @Test("When the ports are used up the next one gets a 508, until one comes back")
    func exhaustion() throws {
        scene.server.settings.relayPorts = 50_000...50_001
        _ = try scene.host.bind("192.0.2.1:50001")
        #expect(try client.allocate() == ["192.0.2.1:50000"])
        let other = try scene.client("192.0.2.2:5001")
        #expect(try other.request(.allocate, Self.udp).code == 508)
        #expect(try client.request(.refresh, M.Lifetime(0)).lifetime == 0)
        #expect(try other.allocate() == ["192.0.2.1:50000"])
    }

    @Test("B1.7: an even port is even, and the one behind it waits for its token for 30 seconds", arguments: [29, 30])
    func evenPort(_ wait: Int) throws {
        let response = try client.request(.allocate, Self.udp, M.EvenPort(reservesNextPort: true))
        let address = try #require(response.relayed.first)
        let token = try #require(response[M.ReservationToken.self])
        #expect(address.port % 2 == 0)
        let other = try scene.streamClient()
        other.learn(from: try #require(try other.ask(.allocate)))
        scene.network.run(for: .seconds(wait))
        let second = try #require(try other.ask(.allocate, [Self.udp, token]))
        #expect(second.code == (wait < 30 ? nil : 508))
        #expect(second.relayed == (wait < 30 ? [TransportAddress(address.ip, port: address.port + 1)] : []))
        let third = try scene.client("192.0.2.2:5001")
        #expect(try third.request(.allocate, Self.udp, token).code == 508, "a token is good once")
        let plain = try third.request(.allocate, Self.udp, M.EvenPort(reservesNextPort: false))
        #expect(plain.relayed.first.map { $0.port % 2 } == 0 && plain[M.ReservationToken.self] == nil)
    }

    @Test("A user's quota is a 486, the server's a 508; neither stands in others' way")
    func quotas() throws {
        scene.server.settings.allocationsPerUser = 1
        scene.server.settings.allocationLimit = 2
        try client.allocate()
        let second = try scene.client("192.0.2.2:5001")
        #expect(try second.request(.allocate, Self.udp).code == 486)
        second.username = "bob"
        second.password = "hidden"
        #expect(try second.request(.allocate, Self.udp).code == nil)
        scene.server.settings.allocationsPerUser = nil
        #expect(try scene.client("192.0.2.2:5002").request(.allocate, Self.udp).code == 508)
    }

    @Test("DONT-FRAGMENT is an unknown attribute to a server that cannot do it", arguments: [true, false])
    func dontFragment(_ isSupported: Bool) throws {
        scene.server.settings.supportsDontFragment = isSupported
        let response = try client.request(.allocate, Self.udp, M.DontFragment())
        #expect(response.code == (isSupported ? nil : 420))
        #expect(response[M.UnknownAttributes.self]?.value == (isSupported ? nil : [0x001a]))
    }

    @Test("Clients are sent on to the server of their own family", arguments: [true, false])
    func redirect(_ isAuthenticated: Bool) throws {
        scene.server.settings.redirect = TURNRedirect(
            to: ["[2001:db8::9]:3478", "192.0.2.9:3478"], domain: "turn.example.org", isAuthenticated: isAuthenticated)
        #expect(try client.ask(.allocate, [Self.udp])?.code == (isAuthenticated ? 401 : 300))
        let response = try client.request(.allocate, Self.udp)
        #expect(response.code == 300)
        #expect(response[M.AlternateServer.self]?.address == "192.0.2.9:3478")
        #expect(response[M.AlternateDomain.self]?.value == "turn.example.org")
        #expect(response.contains(type: M.MessageIntegrity.type) == isAuthenticated)
        scene.server.settings.redirect?.servers = ["[2001:db8::9]:3478"]
        #expect(try client.request(.allocate, Self.udp).code == nil)
    }

    @Test("Binding requests are answered without credentials")
    func binding() throws {
        #expect(try client.ask(.binding)?[M.XORMappedAddress.self]?.address == "192.0.2.2:5000")
    }
}

/// An attribute whose value breaks its type's rules.
struct RawAttribute: STUNAttribute {
    static let type: UInt16 = 0
    let number: UInt16
    let value: [UInt8]

    init(_ number: UInt16, _ value: [UInt8]) {
        self.number = number
        self.value = value
    }

    init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
        throw STUNError(.malformedAttribute)
    }

    func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) { bytes += value }
}
