import ICE
import ICETesting
import NetBase
import STUN
import Testing

/// A client with a relay for TCP on the simulated network, a TCP server that sends back what it gets, and everything that was said.
final class TURNConnectionFixture {
    enum Event: Equatable {
        case allocate
        case permission
        case refresh(Duration)
        case lost(TURNClientError.Code)
        case responseError(STUNMethod, Int)
        case error(TURNClientError.Code)
        case attempt(TransportAddress)
        /// Of the connection with that number, in the order in which they were made.
        case connect(Int)
        case close(Int, TURNClientError.Code)
    }

    let network: SimulatedNetwork
    let serverHost: SimulatedHost
    let server: SimulatedTURNServer
    let clientHost: SimulatedHost
    let peerHost: SimulatedHost
    let client: TURNClient
    private(set) var events: [Event] = []
    private(set) var received: [[UInt8]] = []
    private(set) var connections: [TURNConnection] = []
    private(set) var peers: [PeerStream] = []
    private var isCalling = false
    /// Called behind each event.
    var onEvent: ((TURNConnectionFixture, Event) -> Void)?
    /// Whether those who connect are let in.
    var accepts = true
    private(set) var attempts: [TURNConnectionAttempt] = []

    static let peer: TransportAddress = "203.0.113.1:80"

    /// One end of a plain TCP connection.
    final class PeerStream {
        let stream: SimulatedStream
        private(set) var received: [UInt8] = []
        private(set) var end: NetworkError.Code?

        init(_ stream: SimulatedStream, echoes: Bool) {
            self.stream = stream
            stream.onBytes = { [unowned self] bytes in
                received += [UInt8](copying: bytes)
                if echoes { try? self.stream.write([UInt8](copying: bytes)) }
            }
            stream.onClose = { [unowned self] in end = $0.code }
        }
    }

    init(
        seed: UInt64 = 6062, host: String = "192.0.2.10", transport: TransportProtocol = .tcp, port: UInt16 = 3478,
        _ configure: (inout TURNClientConfiguration) -> Void = { _ in }
    ) throws {
        network = SimulatedNetwork(seed: seed)
        serverHost = network.makeHost("turn", addresses: ["192.0.2.10", "2001:db8::10"])
        server = try SimulatedTURNServer(on: serverHost, users: ["alice": "secret"])
        clientHost = network.makeHost("client", addresses: ["198.51.100.1", "2001:db8::1"])
        peerHost = network.makeHost("peer", addresses: ["203.0.113.1", "2001:db8:1::1"])
        var configuration = TURNClientConfiguration(
            host: host, port: port, transport: transport, username: "alice", password: "secret")
        configuration.relayTransport = .tcp
        configure(&configuration)
        client = try TURNClient(platform: clientHost, configuration: configuration)
        try peerHost.listen(on: Self.peer) { [unowned self] in peers.append(PeerStream($0, echoes: true)) }
        client.onAllocate = { [unowned self] _ in add(.allocate) }
        client.onCreatePermission = { [unowned self] _ in add(.permission) }
        client.onRefresh = { [unowned self] in add(.refresh($0)) }
        client.onAllocationLost = { [unowned self] in add(.lost($0.code)) }
        client.onResponseError = { [unowned self] method, code, _ in add(.responseError(method, code)) }
        client.onError = { [unowned self] in add(.error($0.code)) }
        client.onConnectionAttempt = { [unowned self] attempt in
            attempts.append(attempt)
            add(.attempt(attempt.peer))
            if accepts, let connection = attempt.accept() { keep(connection) }
        }
    }

    private func add(_ event: Event) {
        #expect(!isCalling, "an event inside the call that caused it")
        events.append(event)
        onEvent?(self, event)
    }

    func keep(_ connection: TURNConnection) {
        let number = connections.count
        connections.append(connection)
        received.append([])
        connection.onConnect = { [unowned self] in add(.connect(number)) }
        connection.onClose = { [unowned self] in add(.close(number, $0.code)) }
        connection.onData = { [unowned self] bytes in
            #expect(events.contains(.connect(number)), "data before the connection is there")
            received[number] += [UInt8](copying: bytes)
        }
    }

    /// Calls the client, in which no event may come.
    func call<Result>(_ body: (TURNClient) throws -> Result) rethrows -> Result {
        isCalling = true
        defer { isCalling = false }
        return try body(client)
    }

    func run(_ span: Duration = .seconds(2)) { network.run(for: span) }

    /// The events since the last look.
    func takeEvents() -> [Event] {
        defer { events = events.filter { if case .connect = $0 { true } else { false } } }
        return events
    }

    func forgetEvents() { events = [] }

    /// Allocates, and lets the peer in if asked to.
    func allocate(permitting: Bool = false) {
        call { $0.allocate() }
        run()
        #expect(events == [.allocate])
        guard permitting else { return forgetEvents() }
        call { $0.createPermission(for: Self.peer.ip) }
        run()
        #expect(events == [.allocate, .permission])
        forgetEvents()
    }

    func connect(to peer: TransportAddress = peer) { keep(call { $0.connect(to: peer) }) }

    /// A plain connection to the relayed address.
    func connectFromPeer(echoes: Bool = false) throws -> PeerStream {
        let relayed = try #require(client.allocation?.relayedAddresses.first)
        return PeerStream(try peerHost.connect(to: relayed), echoes: echoes)
    }
}
