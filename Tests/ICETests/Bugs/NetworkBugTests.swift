import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE

@Suite("H: sockets, addresses and relays that once went wrong")
struct NetworkBugTests {
    @Test(
        "H28: a .local candidate that nobody resolves is ignored, without an error",
        arguments: ["1f4712db-ea17-4bcf-a596-105139dfd8bf.local", "printer.local"])
    func unresolvable(_ name: String) throws {
        let call = try ScriptedCall { $0.multicastDNS = .resolve }
        try call.start()
        try call.client.addRemoteCandidate("candidate:1 1 udp 2122260223 \(name) 50000 typ host")
        #expect(call.client.remoteCandidates.isEmpty)
        call.client.addRemoteCandidate(call.peer.candidate())
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .seconds(1)))
        call.run(.seconds(16))
        #expect(call.client.remoteCandidates.count == 1)
        #expect(call.client.statistics().ignoredCandidates == 1)
    }

    @Test("H29: an address that can't be bound is given up at once: no other ports are tried, and the rest goes on")
    func refusedBind() throws {
        let network = SimulatedNetwork(seed: 9)
        let host = network.makeHost("a", addresses: ["192.0.2.1", "fe80::1"])
        let platform = RefusingPlatform(host) { $0.ip.isLinkLocal }
        let client = ICEClient(platform: platform, configuration: ICEConfiguration())
        client.gatherCandidates()
        #expect(network.run(until: { client.gatheringState == .complete }, atMost: .seconds(1)))
        #expect(platform.refused.count == 1)
        // The kernel needs the scope to bind it.
        #expect(platform.refused.first?.ip.scopeID == 2)
        #expect(client.localCandidates.map(\.address.ip) == ["192.0.2.1"])
    }

    @Test(
        "H34: what the system refuses for a while, and what nobody listens to, closes no socket",
        arguments: [NetworkError.Code.wouldBlock, .messageTooLarge, .notPermitted])
    func passingFaults(_ fault: NetworkError.Code) throws {
        let call = try ScriptedCall()
        #expect(try call.connect())
        call.clientHost.interface.sendFault = fault
        for _ in 0..<80 {
            try? call.client.send("lost")
            call.run(.milliseconds(100))
        }
        call.clientHost.interface.sendFault = nil
        // A port that is closed answers with ICMP, which comes out of the socket as an error.
        let (address, port) = (call.peer.address, call.client.localCandidates[0].address)
        call.network.isTracing = true
        call.peer.socket.close()
        for _ in 0..<20 {
            try call.client.send("refused")
            call.run(.milliseconds(100))
        }
        let errors = call.network.trace.filter { $0.event == .delivered && $0.transport == .icmp }
        #expect(errors.count >= 20 && errors.allSatisfy { $0.place == "client" && $0.destination == port })
        // The peer comes back on the same port, with the same credentials.
        let peer = try ScriptedPeer(call.network, call.peerHost, at: address)
        call.run(.seconds(10))
        #expect(call.client.state == .completed)
        try call.client.send("heard")
        peer.send([200], to: port)
        call.run(.milliseconds(20))
        #expect(peer.data == [Array("heard".utf8)])
        #expect(call.received == [[200]])
    }

    @Test(
        "H38: an IPv4-mapped address is IPv4, in brackets or not",
        arguments: ["::ffff:198.51.100.1", "::ffff:c633:6401", "198.51.100.1"])
    func mapped(_ address: String) throws {
        let call = try ScriptedCall()
        try call.start()
        try call.client.addRemoteCandidate("candidate:1 1 udp 2130706431 \(address) 7000 typ host")
        #expect(call.network.run(until: { call.client.state == .connected }, atMost: .seconds(1)))
        #expect(call.client.selectedPair()?.remote.address == call.peer.address)
        call.peer.sendCheck(to: call.client)
        call.run(.milliseconds(20))
        #expect(call.client.remoteCandidates.count == 1)
    }

    @Test("H31: over TCP, channel data of any length comes through whole and in order, both ways")
    func padding() throws {
        let fixture = try TURNClientFixture(.tcp)
        fixture.connect(binding: true)
        let payloads = (1...33).map { length in [UInt8](repeating: UInt8(length), count: length) }
        for payload in payloads { try fixture.client.send(payload, to: fixture.peer.localAddress) }
        fixture.run()
        #expect(fixture.heardByPeer == payloads)
        // The peer sends everything back.
        #expect(fixture.received == payloads)
        #expect(fixture.server.counters.channelDataFromClients == payloads.count)
    }

    @Test("H8: other credentials after a restart do not meet the old ones' allocation: they get a port of their own")
    func rotatedCredentials() throws {
        let network = SimulatedNetwork(seed: 3)
        let server = try SimulatedTURNServer(
            on: network.makeHost("turn", addresses: ["192.0.2.10"]), users: ["old": "secret", "new": "other"])
        let host = network.makeHost("client", addresses: ["198.51.100.1"])
        let socket = try host.bind("198.51.100.1:6000")
        var clients: [TURNClient] = []
        socket.onDatagram = { bytes, source in
            for client in clients where client.isSharing && source == client.serverAddress { client.receive(bytes) }
        }
        for (user, password) in [("old", "secret"), ("new", "other")] {
            clients.append(
                try TURNClient(
                    platform: host,
                    configuration: TURNClientConfiguration(host: "192.0.2.10", username: user, password: password),
                    sharing: socket))
            clients.last?.allocate()
            network.run(for: .seconds(2))
        }
        let places = clients.map { $0.allocation?.localAddress }
        #expect(places[0] == "198.51.100.1:6000")
        #expect(places[1] != nil && places[1] != places[0])
        #expect(server.allocations.count == 2)
    }
}

/// A host on which some addresses can't be bound.
final class RefusingPlatform: Platform {
    private let host: SimulatedHost
    private let refuses: (TransportAddress) -> Bool
    private(set) var refused: [TransportAddress] = []
    /// Whether there is no socket for multicast.
    var refusesMulticast = false

    init(_ host: SimulatedHost, refuses: @escaping (TransportAddress) -> Bool) {
        self.host = host
        self.refuses = refuses
    }

    func bindDatagramSocket(to address: TransportAddress) throws(NetworkError) -> any DatagramSocket {
        if refuses(address) {
            refused.append(address)
            throw NetworkError(.addressNotAvailable, name: "EADDRNOTAVAIL", operation: "bind \(address)")
        }
        return try host.bindDatagramSocket(to: address)
    }

    func bindMulticastSocket(to group: TransportAddress) throws(NetworkError) -> any MulticastSocket {
        guard !refusesMulticast else {
            throw NetworkError(.networkUnreachable, name: "ENETUNREACH", operation: "join \(group.ip)")
        }
        return host.bindMulticastSocket(to: group)
    }

    var sharedResponder: AnyObject? {
        get { host.sharedResponder }
        set { host.sharedResponder = newValue }
    }

    var now: Instant { host.now }
    var pacingGovernor: any PacingGovernor { host.pacingGovernor }
    func enqueue(_ work: @escaping () -> Void) { host.enqueue(work) }
    func makeAlarm(_ onFire: @escaping () -> Void) -> any Alarm { host.makeAlarm(onFire) }
    func interfaceAddresses() -> [InterfaceAddress] { host.interfaceAddresses() }
    func watchInterfaces(_ onChange: @escaping () -> Void) throws(NetworkError) -> any Cancellable {
        host.watchInterfaces(onChange)
    }
    func makeRandomNumberGenerator() -> any RandomNumberGenerator { host.makeRandomNumberGenerator() }

    func sourceAddress(towards destination: IPAddress) throws(NetworkError) -> IPAddress {
        try host.sourceAddress(towards: destination)
    }

    func connectStream(
        to address: TransportAddress, from local: TransportAddress?, sharesPort: Bool
    ) throws(NetworkError) -> any ByteStream {
        try host.connectStream(to: address, from: local, sharesPort: sharesPort)
    }

    func listenForStreams(
        on address: TransportAddress, sharesPort: Bool
    ) throws(NetworkError) -> any StreamListener {
        try host.listenForStreams(on: address, sharesPort: sharesPort)
    }

    func resolve(
        _ name: String, onResult: @escaping (Result<[IPAddress], NetworkError>) -> Void
    ) throws(NetworkError) -> any Cancellable {
        try host.resolve(name, onResult: onResult)
    }
}
