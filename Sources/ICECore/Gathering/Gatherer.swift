import NetBase
import STUN

/// Asks every STUN server, from every socket, what it sees of it (RFC 8445 §5.1.1.2).
///
/// Host candidates need no waiting and never pass through here.
struct Gatherer {
    /// A STUN or TURN server of the configuration.
    struct Server {
        let url: ServerURL
        /// Nil until its name is resolved.
        var addresses: [IPAddress]?
        /// Whether some socket could ask it.
        var isAsked = false
        /// webrtc-pc: an error is told once per server.
        var isReported = false
    }

    private(set) var state = ICEGatheringState.new
    /// How long the first answer took that a server gave to a request sent once.
    var roundTripTime: Duration?
    /// Whether a server answered only after the request had been repeated.
    var sawLoss = false
    var servers: [Server] = []
    var queries: [Query] = []
    var relays = RelayRequests()
    var mappings = PortMappings()
    private(set) var usesRelaysOnly = false
    /// What relays are to speak with peers; TCP only where a server is spoken to over streams (RFC 6062 §4.1).
    private var relaysUDP = true
    private var relaysTCP = false
    private var hidesBases = false
    /// Whether gathering goes on for as long as the session lasts.
    private(set) var isContinual = false
    /// The allocations of an earlier generation that the server has to confirm.
    private(set) var unconfirmedRelays: [SocketID] = []
    /// Which servers a socket is good for.
    enum Reach {
        /// All that speak UDP from it, and streams from its address.
        case all
        /// TURN servers over streams, from its address: it has no datagrams.
        case streams
        /// STUN servers over TCP, from its port.
        case connections
        case nothing
    }

    /// A socket that servers are asked from.
    typealias Asker = (id: SocketID, base: TransportAddress, path: StreamComponent, reach: Reach)

    var sockets: [Asker] = []
    var openingSockets = 0
    var end: Instant?

    // MARK: Beginning

    /// Starts a generation's gathering. Sockets and names follow; ``finishIfDone()`` tells when all is there.
    ///
    /// - Parameters:
    ///   - usesRelaysOnly: Whether STUN servers are left alone.
    ///   - relayed: What relays are to speak with peers.
    ///   - hidesBases: Whether errors name no address of this machine.
    mutating func begin(
        servers urls: [ServerURL], openingSockets count: Int, usesRelaysOnly: Bool = false,
        relayed: [RelayedTransport] = [.udp], hidesBases: Bool = false, isContinual: Bool = false, timeout: Duration,
        at now: Instant
    ) {
        state = .gathering
        self.usesRelaysOnly = usesRelaysOnly
        (relaysUDP, relaysTCP) = (relayed.contains(.udp), relayed.contains(.tcp))
        self.hidesBases = usesRelaysOnly || hidesBases
        self.isContinual = isContinual
        unconfirmedRelays = relays.beginGeneration()
        mappings.beginGeneration()
        servers = urls.map { Server(url: $0, addresses: IPAddress($0.host).map { [$0] }) }
        queries = []
        sockets = []
        openingSockets = count
        end = now + timeout
    }

    /// Goes on with further sockets, at the servers there are.
    mutating func extend(openingSockets count: Int, timeout: Duration, at now: Instant) {
        state = .gathering
        openingSockets = max(0, openingSockets) + count
        end = now + timeout
    }

    /// Asks nothing more for components that are no more.
    ///
    /// - Returns: The allocations that were begun for them.
    mutating func forget(_ paths: Set<StreamComponent>) -> [SocketID] {
        let gone = Set(sockets.filter { paths.contains($0.path) }.map(\.id))
        sockets.removeAll { paths.contains($0.path) }
        queries.removeAll { gone.contains($0.socket) }
        return relays.forget(paths)
    }

    /// The servers whose names have to be resolved first.
    var unresolvedServers: [(index: Int, host: String)] {
        servers.enumerated().filter { $0.element.addresses == nil }.map { ($0.offset, $0.element.url.host) }
    }

    mutating func socketOpened(
        _ id: SocketID, base: TransportAddress, path: StreamComponent = .first, reach: Reach = .all
    ) {
        openingSockets -= 1
        addSocket(id, base: base, path: path, reach: reach)
    }

    /// A socket that is there from an earlier generation.
    mutating func addSocket(
        _ id: SocketID, base: TransportAddress, path: StreamComponent = .first, reach: Reach = .all
    ) {
        // Where there is nobody to ask, nobody asks for them either.
        guard reach != .nothing, isContinual || !servers.isEmpty else { return }
        sockets.append((id, base, path, reach))
        for index in servers.indices { addQueries(sockets[sockets.count - 1], serverIndex: index) }
    }

    mutating func socketFailed() {
        openingSockets -= 1
    }

    mutating func resolved(_ index: Int, to addresses: [IPAddress]) -> CandidateError? {
        guard servers.indices.contains(index), servers[index].addresses == nil else { return nil }
        guard !addresses.isEmpty else { return resolutionFailed(index, "it has no addresses") }
        // One address of each family: the others of a name serve the same purpose.
        servers[index].addresses = IPAddress.Family.allCases.compactMap { family in
            addresses.first { $0.family == family }
        }
        for socket in sockets { addQueries(socket, serverIndex: index) }
        return nil
    }

    mutating func resolutionFailed(_ index: Int, _ reason: String) -> CandidateError? {
        guard servers.indices.contains(index), servers[index].addresses == nil else { return nil }
        servers[index].addresses = []
        return report(
            index, from: nil, code: CandidateError.unreachable, text: "the name can't be resolved, check it: \(reason)")
    }

    static func canReach(_ server: IPAddress, from base: IPAddress) -> Bool {
        (!base.isLoopback || server.isLoopback) && (!base.isLinkLocal || server.isLinkLocal)
    }

    private mutating func addQueries(_ socket: Asker, serverIndex: Int) {
        let (base, url) = (socket.base, servers[serverIndex].url)
        guard let server = servers[serverIndex].addresses?.first(where: { $0.family == base.family }),
            // From a loopback or link-local address there is no way to a server elsewhere.
            Self.canReach(server, from: base.ip), socket.reach.includes(url)
        else { return }
        let address = TransportAddress(server, port: url.port)
        servers[serverIndex].isAsked = true
        switch url.service {
        case .turn:
            func addRelay(speaking relayed: RelayedTransport) {
                relays.add(
                    RelayRequests.Request(
                        via: socket.id, base: base, server: address, serverIndex: serverIndex,
                        transport: url.transport, relayed: relayed, path: socket.path))
            }
            if relaysUDP { addRelay(speaking: .udp) }
            if relaysTCP, url.transport.isReliable { addRelay(speaking: .tcp) }
        // What a server sees of a stream is no address for datagrams: STUN over anything but UDP gives no candidate.
        case .stun where url.transport == .udp && !usesRelaysOnly:
            queries.append(
                Query(
                    socket: socket.id, base: base, server: address, serverIndex: serverIndex,
                    isOverTCP: socket.reach == .connections))
        case .stun: break
        }
    }

    /// The STUN server of the configuration that has an address, or else any server that has it.
    func url(ofServerAt ip: IPAddress) -> ServerURL? {
        let there = servers.lazy.filter { $0.addresses?.contains(ip) == true }.map(\.url)
        return there.first { $0.service == .stun && $0.transport == .udp } ?? there.first
    }

    mutating func report(_ server: Int, from base: TransportAddress?, code: Int, text: String)
        -> CandidateError?
    {
        guard state == .gathering, !servers[server].isReported else { return nil }
        servers[server].isReported = true
        // webrtc-pc: the local address is told only where a candidate has exposed it.
        return CandidateError(url: servers[server].url.text, from: hidesBases ? nil : base, code: code, text: text)
    }

    // MARK: Ending

    /// Whether gathering has just come to its end.
    mutating func finishIfDone() -> Bool {
        guard state == .gathering, !isContinual, !isUnderWay else { return false }
        state = .complete
        return true
    }
}

extension Gatherer.Reach {
    func includes(_ url: ServerURL) -> Bool {
        switch self {
        case .all: true
        case .streams: url.transport.isReliable
        case .connections: url.service == .stun && url.transport == .udp
        case .nothing: false
        }
    }
}
