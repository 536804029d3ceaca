import ICE
import ICETesting
import NetBase
import STUN
import Testing

/// A client and a server of the simulated network, a peer, and everything the client said.
final class TURNClientFixture {
    enum Event: Equatable {
        case allocate
        case refresh(Duration)
        case permission(IPAddress)
        case channel(TransportAddress)
        case icmp(TransportAddress)
        case lost(TURNClientError.Code)
        case responseError(STUNMethod, Int)
        case error(TURNClientError.Code)
    }

    let network = SimulatedNetwork(seed: 7)
    let serverHost: SimulatedHost
    let server: SimulatedTURNServer
    let clientHost: SimulatedHost
    let peer: SimulatedSocket
    let client: TURNClient
    private(set) var events: [Event] = []
    private(set) var received: [[UInt8]] = []
    private(set) var heardByPeer: [[UInt8]] = []
    private(set) var isCalling = false
    var onEvent: ((TURNClient) -> Void)?

    static let user = "alice"
    static let password = "secret"

    init(
        _ transport: TransportProtocol = .udp, host: String = "192.0.2.10", password: String = password,
        shares: Bool = false, _ configure: (inout TURNClientConfiguration) -> Void = { _ in }
    ) throws {
        serverHost = network.makeHost("turn", addresses: ["192.0.2.10", "2001:db8::10"])
        server = try SimulatedTURNServer(on: serverHost, users: [Self.user: Self.password])
        clientHost = network.makeHost("client", addresses: ["198.51.100.1", "2001:db8::1"])
        peer = try network.makeHost("peer", addresses: ["203.0.113.1"]).bind("203.0.113.1:5000")
        var configuration = TURNClientConfiguration(
            host: host, transport: transport, username: Self.user, password: password)
        configure(&configuration)
        client = try TURNClient(platform: clientHost, configuration: configuration)
        listen()
    }

    private func listen() {
        client.onAllocate = { [unowned self] _ in add(.allocate) }
        client.onRefresh = { [unowned self] in add(.refresh($0)) }
        client.onCreatePermission = { [unowned self] in add(.permission($0)) }
        client.onChannelBind = { [unowned self] peer, _ in add(.channel(peer)) }
        client.onICMP = { [unowned self] peer, _ in add(.icmp(peer)) }
        client.onAllocationLost = { [unowned self] in add(.lost($0.code)) }
        client.onResponseError = { [unowned self] method, code, _ in add(.responseError(method, code)) }
        client.onError = { [unowned self] in add(.error($0.code)) }
        client.onData = { [unowned self] bytes, source in
            #expect(source == peer.localAddress)
            received.append([UInt8](copying: bytes))
        }
        peer.onDatagram = { [unowned self] bytes, source in
            heardByPeer.append([UInt8](copying: bytes))
            try? peer.send(bytes, to: source)
        }
    }

    private func add(_ event: Event) {
        #expect(!isCalling, "an event inside the call that caused it")
        events.append(event)
        onEvent?(client)
    }

    /// Calls the client, in which no event may come.
    func call(_ body: (TURNClient) -> Void) {
        isCalling = true
        body(client)
        isCalling = false
    }

    func run(_ span: Duration = .seconds(2)) { network.run(for: span) }

    /// Allocates, and lets the peer in.
    func connect(binding: Bool = false) {
        call { $0.allocate() }
        run()
        call { [peer] client in
            if binding {
                client.bindChannel(to: peer.localAddress)
            } else {
                client.createPermission(for: peer.localAddress.ip)
            }
        }
        run()
    }
}
