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

    /// One socket's question to one server.
    struct Query {
        enum State {
            case queued
            case asking(STUNTransaction)
            case answered(nextKeepalive: Instant)
            case failed
        }

        let socket: SocketID
        let base: TransportAddress
        let server: TransportAddress
        let serverIndex: Int
        /// Whether it goes over a connection from the socket's port (RFC 6544 §5.2).
        var isOverTCP = false
        var state = State.queued

        var isPending: Bool {
            switch state {
            case .queued, .asking: true
            case .answered, .failed: false
            }
        }
    }

    /// What a server's answer means.
    enum Finding {
        /// A socket's address as the server sees it.
        case mapped(TransportAddress, socket: SocketID, server: IPAddress)
        /// A server that gives no candidate.
        case failed(CandidateError)
    }

    private(set) var state = ICEGatheringState.new
    /// How long the first answer took that a server gave to a request sent once.
    private(set) var roundTripTime: Duration?
    /// Whether a server answered only after the request had been repeated.
    private(set) var sawLoss = false
    var servers: [Server] = []
    var queries: [Query] = []
    var relays = RelayRequests()
    var mappings = PortMappings()
    private(set) var usesRelaysOnly = false
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
    ///   - hidesBases: Whether errors name no address of this machine.
    mutating func begin(
        servers urls: [ServerURL], openingSockets count: Int, usesRelaysOnly: Bool = false,
        hidesBases: Bool = false, isContinual: Bool = false, timeout: Duration, at now: Instant
    ) {
        state = .gathering
        self.usesRelaysOnly = usesRelaysOnly
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
            relays.add(
                RelayRequests.Request(
                    via: socket.id, base: base, server: address, serverIndex: serverIndex, transport: url.transport,
                    path: socket.path))
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

    // MARK: Asking

    var hasQueued: Bool {
        queries.contains { if case .queued = $0.state { true } else { false } }
    }

    /// Sends the next question; RFC 8445 §14.3: "RTO = MAX (500ms, Ta * (Num-Of-Pairs))".
    mutating func beginNext(
        transactionID: STUNTransactionID, interval: Duration, pacing: PacingProfile, at now: Instant
    ) -> Query? {
        guard let index = queries.firstIndex(where: { if case .queued = $0.state { true } else { false } }) else {
            return nil
        }
        let count = queries.lazy.filter(\.isPending).count
        var schedule = pacing.schedule(max(pacing.initialRetransmissionTimeout, interval * count))
        schedule.reliableTimeout = Self.patienceOverTCP
        var request = STUNMessage(.request, .binding, transactionID: transactionID)
        request.appendFingerprint()
        queries[index].state = .asking(
            STUNTransaction(
                request: request, key: nil, schedule: schedule, isReliable: queries[index].isOverTCP, at: now))
        return queries[index]
    }

    /// Many servers, and firewalls before them, let no TCP in: gathering is not to be long for that.
    private static let patienceOverTCP = Duration.seconds(5)

    /// Takes an answer; nil when it belongs to none of the questions.
    mutating func receive(
        _ response: STUNMessage, from source: TransportAddress, on socket: SocketID, keepalive: KeepaliveInterval,
        at now: Instant, using generator: inout some RandomNumberGenerator
    ) -> Finding? {
        for index in queries.indices where queries[index].socket == socket && queries[index].server == source {
            guard case .asking(var transaction) = queries[index].state,
                transaction.transactionID == response.transactionID
            else { continue }
            let outcome = transaction.receive(response, at: now)
            queries[index].state = .asking(transaction)
            guard let outcome else { return nil }
            if !queries[index].isOverTCP { roundTripTime = roundTripTime ?? transaction.roundTripTime(at: now) }
            sawLoss = sawLoss || transaction.transmissions > 1
            return finish(index, outcome, response, nextKeepalive: now + keepalive.draw(using: &generator))
        }
        return nil
    }

    private mutating func finish(
        _ index: Int, _ outcome: STUNTransaction.Outcome, _ response: STUNMessage, nextKeepalive: Instant
    ) -> Finding? {
        let query = queries[index]
        switch outcome {
        case .success:
            let mapped =
                response[STUNMessage.XORMappedAddress.self]?.address
                ?? response[STUNMessage.MappedAddress.self]?.address
            guard let mapped, mapped.family == query.base.family else {
                return fail(index, code: 600, text: "the server's answer has no address of the socket's family")
            }
            queries[index].state = .answered(nextKeepalive: nextKeepalive)
            return .mapped(mapped.unmapped, socket: query.socket, server: query.server.ip)
        case .error(let error):
            return fail(index, code: error.code, text: error.reason)
        case .failed(let failure):
            return fail(index, code: CandidateError.unreachable, text: "no usable answer: \(failure)")
        }
    }

    private mutating func fail(_ index: Int, code: Int, text: String) -> Finding? {
        queries[index].state = .failed
        // Where UDP is in use, the server is no worse for having no TCP.
        if queries[index].isOverTCP, sockets.contains(where: { $0.reach == .all }) { return nil }
        return report(queries[index].serverIndex, from: queries[index].base, code: code, text: text).map(Finding.failed)
    }

    mutating func report(_ server: Int, from base: TransportAddress?, code: Int, text: String)
        -> CandidateError?
    {
        guard state == .gathering, !servers[server].isReported else { return nil }
        servers[server].isReported = true
        // webrtc-pc: the local address is told only where a candidate has exposed it.
        return CandidateError(url: servers[server].url.text, from: hidesBases ? nil : base, code: code, text: text)
    }

    /// The system could not send to a server, or says that nobody is there.
    mutating func unreachable(_ server: TransportAddress, from socket: SocketID, _ error: NetworkError) -> Finding? {
        let index = queries.firstIndex { query in
            guard case .asking = query.state else { return false }
            return query.socket == socket && query.server == server
        }
        return index.flatMap { fail($0, code: CandidateError.unreachable, text: error.description) }
    }

    // MARK: Time

    var deadline: Instant? {
        let transactions = queries.lazy.compactMap { query -> Instant? in
            switch query.state {
            case .asking(let transaction): transaction.deadline
            case .answered(let nextKeepalive): query.isOverTCP ? nil : nextKeepalive
            case .queued, .failed: nil
            }
        }.min()
        guard state == .gathering, let end else { return transactions }
        return min(end, transactions ?? end)
    }

    /// What became due.
    struct Due {
        var sends: [(SocketID, TransportAddress, STUNMessage)] = []
        var findings: [Finding] = []
        var abandonedRelays: [SocketID] = []
        /// What is not there by now is waited for no longer.
        var isTimeUp = false
    }

    /// Retransmits, gives up, and keeps the mappings alive that were found (RFC 8445 §5.1.1.4).
    mutating func advance(
        to now: Instant, keepalive: KeepaliveInterval, using generator: inout some RandomNumberGenerator
    ) -> Due {
        var due = Due()
        for index in queries.indices {
            switch queries[index].state {
            case .asking(var transaction):
                let step = transaction.advance(to: now)
                queries[index].state = .asking(transaction)
                switch step {
                case .retransmit: due.sends.append((queries[index].socket, queries[index].server, transaction.request))
                case .failed: giveUp(index, &due)
                case nil: break
                }
            case .answered(let nextKeepalive) where !queries[index].isOverTCP && now >= nextKeepalive:
                queries[index].state = .answered(nextKeepalive: now + keepalive.draw(using: &generator))
                var request = STUNMessage(.request, .binding, transactionID: STUNTransactionID(using: &generator))
                request.appendFingerprint()
                due.sends.append((queries[index].socket, queries[index].server, request))
            case .queued, .answered, .failed: break
            }
        }
        if state == .gathering, let end, now >= end { giveUpAll(&due) }
        return due
    }

    private mutating func giveUpAll(_ due: inout Due) {
        end = nil
        openingSockets = 0
        due.isTimeUp = true
        mappings.giveUp()
        for index in servers.indices where servers[index].addresses == nil {
            if let error = resolutionFailed(index, "no answer in time") { due.findings.append(.failed(error)) }
        }
        for index in queries.indices where queries[index].isPending { giveUp(index, &due) }
        let (requests, opening) = relays.giveUp()
        due.abandonedRelays = opening
        for request in requests {
            let error = report(
                request.serverIndex, from: request.base, code: CandidateError.unreachable,
                text:
                    "the server did not answer in time: check its address, port and transport, and the firewalls on the way"
            )
            if let error { due.findings.append(.failed(error)) }
        }
    }

    private mutating func giveUp(_ index: Int, _ due: inout Due) {
        if let finding = fail(
            index, code: CandidateError.unreachable, text: "the server did not answer: check its address and port")
        {
            due.findings.append(finding)
        }
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
    fileprivate func includes(_ url: ServerURL) -> Bool {
        switch self {
        case .all: true
        case .streams: url.transport.isReliable
        case .connections: url.service == .stun && url.transport == .udp
        case .nothing: false
        }
    }
}
