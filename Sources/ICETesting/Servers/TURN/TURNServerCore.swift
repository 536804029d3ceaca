import DequeModule
package import NetBase
package import STUN
import TURNCore

/// A TURN server without sockets (RFC 8656): messages and datagrams in, effects out.
///
/// After every input the driver performs the effects in their order, and calls ``advance(to:)`` at the ``deadline``. Retransmitted
/// requests are answered by going through them once more, which RFC 8656 §5 calls the stateless stack approach.
package struct TURNServerCore {
    /// What the driver is to do.
    package enum Effect: Hashable, Sendable {
        /// Send a response to a client.
        case respond(STUNMessage, to: TURNFiveTuple)
        /// Send a peer's data or ICMP error to a client; it may be dropped if that is slow.
        case deliver([UInt8], to: TURNFiveTuple)
        /// Send a datagram to a peer from a relayed address.
        case relay([UInt8], from: TransportAddress, to: TransportAddress)
        /// Bind a socket to a relayed address.
        case open(TransportAddress)
        /// Close the socket or listener of a relayed address.
        case close(TransportAddress)
        /// Listen for connections on a relayed address.
        case listen(TransportAddress)
        /// Connect from a relayed address to a peer, and tell how that went.
        case connect(UInt32, from: TransportAddress, to: TransportAddress)
        /// Carry bytes between a peer's connection and a client's from now on.
        case join(UInt32, TURNFiveTuple)
        /// Close a peer's connection, if it is there.
        case closePeer(UInt32)
        /// Close a client's connection.
        case hangUp(TURNFiveTuple)
    }

    /// How the server behaves.
    package var settings: TURNServerSettings {
        didSet {
            gatekeeper.configuration = LongTermGatekeeper.Configuration(settings)
            keepTokens()
        }
    }

    /// How many of the next requests are lost.
    package var dropNext = 0

    /// What it has done.
    package private(set) var counters = TURNServerCounters()

    /// When to call ``advance(to:)``; nil while nothing waits for time.
    package private(set) var deadline: Instant?

    var allocations: [TURNFiveTuple: ServerAllocation] = [:]
    var owners: [TransportAddress: TURNFiveTuple] = [:]
    /// The connections of peers, in the order in which they were made.
    var connections: [ServerPeerConnection] = []
    var ports: RelayPorts
    var generator: SeededGenerator
    private var gatekeeper: LongTermGatekeeper
    /// The access tokens that are taken; nil where the server knows nothing of them.
    var tokenRegister: AccessTokenRegister? {
        didSet { gatekeeper.configuration.accessTokens = tokenRegister }
    }
    /// What access tokens have opened.
    var tokenSessions: [TURNFiveTuple: AccessTokenSession] = [:]
    /// How long a lifetime the token of the present request allows; nil for any.
    var tokenLimit: Duration?
    private var effects: Deque<Effect> = []
    private var failures: [Failure] = []
    private var madeCount = 0

    private struct Failure {
        let method: STUNMethod
        let error: STUNMessage.ErrorCode
        var remaining: Int
    }

    /// A server that relays from some IP addresses; ports, nonces and tokens follow from the generator.
    package init(_ settings: TURNServerSettings, relayIPs: [IPAddress], generator: SeededGenerator) {
        self.settings = settings
        self.generator = generator
        ports = RelayPorts(relayIPs)
        gatekeeper = LongTermGatekeeper(.init(settings), using: &self.generator)
    }

    /// The next thing to do; nil when there is none left.
    package mutating func nextEffect() -> Effect? { effects.popFirst() }

    /// Tells what the host has now: its addresses, and the ports that other sockets are bound to.
    package mutating func setHost(ips: [IPAddress], occupiedPorts: Set<UInt16>) {
        ports.ips = ips
        ports.occupied = occupiedPorts
    }

    /// Answers the next requests of a method with an error, which is signed as they are; those without credentials get their 401.
    package mutating func fail(_ method: STUNMethod, with error: STUNMessage.ErrorCode, times: Int) {
        failures.append(Failure(method: method, error: error, remaining: times))
    }

    /// The driver could not send something.
    package mutating func noteDrop(_ drop: TURNServerCounters.Drop) { counters.count(drop) }
}

// MARK: - From clients

extension TURNServerCore {
    /// A datagram came from a client, or a STUN message out of its stream.
    package mutating func receive(_ bytes: Span<UInt8>, on tuple: TURNFiveTuple, at now: Instant) {
        if STUNMessage.looksLikeSTUN(bytes) {
            guard let message = try? STUNMessage(parsing: bytes) else { return counters.count(.malformed) }
            receive(message, on: tuple, at: now)
        } else if let data = ChannelData(datagram: bytes) {
            receive(bytes.extracting(data.payload), onChannel: data.channel, of: tuple, at: now)
        } else {
            counters.count(.malformed)
        }
    }

    /// A STUN message came from a client.
    package mutating func receive(_ message: STUNMessage, on tuple: TURNFiveTuple, at now: Instant) {
        advance(to: now)
        guard message.fingerprint != .invalid else { return counters.count(.malformed) }
        switch message.messageClass {
        case .request: answer(message, on: tuple, at: now)
        case .indication where message.method == .send: relay(message, of: tuple, at: now)
        case .indication, .success, .failure: break
        }
        updateDeadline()
    }

    private mutating func answer(_ request: STUNMessage, on tuple: TURNFiveTuple, at now: Instant) {
        counters.requests[request.method, default: 0] += 1
        if dropNext > 0 {
            dropNext -= 1
            return
        }
        switch request.method {
        case .binding:
            let core = STUNServerCore(software: settings.software)
            if let response = core.respond(to: request, from: tuple.client) { respond(response, to: tuple) }
        case .allocate, .refresh, .createPermission, .channelBind, .connect, .connectionBind:
            authenticate(request, on: tuple, at: now)
        default: break
        }
    }

    private mutating func authenticate(_ request: STUNMessage, on tuple: TURNFiveTuple, at now: Instant) {
        if request.method == .allocate, let redirect = redirect(for: tuple), !redirect.isAuthenticated {
            var response = self.response(to: request, .redirect(redirect), on: tuple)
            if request.fingerprint == .valid { response.appendFingerprint() }
            return respond(response, to: tuple)
        }
        if rejectsToken(request, on: tuple) { return }
        switch gatekeeper.judge(request, from: tuple.client, session: tokenSession(for: request, on: tuple), at: now) {
        case .reply(let response, _): respond(response, to: tuple)
        case .accepted(let pass):
            tokenLimit = pass.session.map { $0.expiry - now }
            defer { keep(pass.session, on: tuple) }
            do throws(TURNRefusal) {
                guard let response = try grant(request, pass, on: tuple, at: now) else { return }
                seal(response, pass, for: request, to: tuple)
            } catch {
                return seal(response(to: request, error, on: tuple), pass, for: request, to: tuple)
            }
            if request.method == .connectionBind, let id = connectionID(boundTo: tuple) { emit(.join(id, tuple)) }
        }
    }

    /// The success response; nil where it comes later.
    private mutating func grant(
        _ request: STUNMessage, _ pass: LongTermGatekeeper.Pass, on tuple: TURNFiveTuple, at now: Instant
    ) throws(TURNRefusal) -> STUNMessage? {
        let username = pass.username
        let unknown = request.unknownRequiredAttributes(known: .turn)
        guard unknown.isEmpty else { throw .unknownAttributes(unknown) }
        if let error = takeFailure(request.method) { throw .error(error) }
        if request.method == .allocate { return try allocate(request, for: username, on: tuple, at: now) }
        if request.method == .refresh, let ticket = request[STUNMessage.MobilityTicket.self]?.value {
            return try move(request, by: ticket, of: username, to: tuple, at: now)
        }
        if request.method == .connectionBind { return try bindConnection(request, for: username, on: tuple) }
        guard let allocation = allocations[tuple] else { throw .error(.allocationMismatch) }
        guard allocation.username == username else { throw .error(.wrongCredentials) }
        switch request.method {
        case .refresh: return try refresh(request, allocation, at: now)
        case .createPermission: return try createPermission(request, allocation, at: now)
        case .connect:
            try connect(request, pass, allocation, at: now)
            return nil
        default: return try bindChannel(request, allocation, at: now)
        }
    }

    private mutating func takeFailure(_ method: STUNMethod) -> STUNMessage.ErrorCode? {
        guard let index = failures.firstIndex(where: { $0.method == method }) else { return nil }
        let error = failures[index].error
        failures[index].remaining -= 1
        if failures[index].remaining <= 0 { failures.remove(at: index) }
        return error
    }

    /// The connection that a client came by is gone, and its allocation with it.
    package mutating func disconnect(_ tuple: TURNFiveTuple) {
        if let allocation = allocations[tuple] { remove(allocation) }
        closePeer(boundTo: tuple)
        updateDeadline()
    }

    /// Whether a client has an allocation that it came for by this way.
    package func hasAllocation(_ tuple: TURNFiveTuple) -> Bool { allocations[tuple] != nil }
}

// MARK: - Responses

extension TURNServerCore {
    func success(_ request: STUNMessage) -> STUNMessage {
        STUNMessage(.success, request.method, transactionID: request.transactionID)
    }

    /// Where to send a client on to; nil where it is served here.
    func redirect(for tuple: TURNFiveTuple) -> TURNRedirect? {
        settings.redirect.flatMap { redirect in
            redirect.servers.contains { $0.family == tuple.client.family } ? redirect : nil
        }
    }

    func response(to request: STUNMessage, _ error: STUNMessage.ErrorCode) -> STUNMessage {
        .errorResponse(to: request, error, software: settings.software)
    }

    private func response(
        to request: STUNMessage, _ refusal: TURNRefusal, on tuple: TURNFiveTuple
    ) -> STUNMessage {
        switch refusal {
        case .error(let error): return response(to: request, error)
        case .unknownAttributes(let types):
            return .unknownAttributesResponse(to: request, types, software: settings.software)
        case .redirect(let redirect):
            var response = STUNMessage.errorResponse(to: request, .tryAlternate, software: settings.software)
            // The client's own family comes first (RFC 8489 §10).
            let (own, others) = (
                redirect.servers.filter { $0.family == tuple.client.family },
                redirect.servers.filter { $0.family != tuple.client.family }
            )
            for server in own + others { response.append(STUNMessage.AlternateServer(server)) }
            if let domain = redirect.domain { response.append(STUNMessage.AlternateDomain(domain)) }
            return response
        }
    }

    /// Signs a response as its request was, and sends it.
    mutating func seal(
        _ response: STUNMessage, _ pass: LongTermGatekeeper.Pass, for request: STUNMessage, to tuple: TURNFiveTuple
    ) {
        var response = response
        gatekeeper.seal(&response, pass, for: request)
        respond(response, to: tuple)
    }

    mutating func respond(_ response: STUNMessage, to tuple: TURNFiveTuple) {
        if let error = response[STUNMessage.ErrorCode.self] { counters.errors[error.code, default: 0] += 1 }
        effects.append(.respond(response, to: tuple))
    }

    mutating func emit(_ effect: Effect) { effects.append(effect) }

    mutating func count(_ counter: WritableKeyPath<TURNServerCounters, Int>) { counters[keyPath: counter] += 1 }

    mutating func nextOrdinal() -> Int {
        madeCount += 1
        return madeCount
    }
}

// MARK: - Time

extension TURNServerCore {
    /// Lets allocations, reservations and peers' connections run out whose time has come.
    package mutating func advance(to now: Instant) {
        guard let deadline, deadline <= now else { return }
        for allocation in inOrder {
            for relay in allocation.relays where relay.expiry <= now {
                remove(relay.address.family, of: allocation.tuple)
            }
            if allocations[allocation.tuple] == nil { counters.expiredAllocations += 1 }
        }
        for address in ports.expireReservations(at: now) { effects.append(.close(address)) }
        expireConnections(at: now)
        updateDeadline()
    }

    /// Forgets all allocations, reservations and nonces without a word to anybody, as a server does that crashes and comes back.
    package mutating func restart() {
        for allocation in inOrder { remove(allocation) }
        for address in ports.expireReservations(at: Instant(nanoseconds: .max)) { effects.append(.close(address)) }
        gatekeeper.revokeNonces(using: &generator)
        updateDeadline()
    }

    /// All allocations, in the order in which they were made.
    var inOrder: [ServerAllocation] { allocations.values.sorted { $0.ordinal < $1.ordinal } }

    mutating func updateDeadline() {
        let relays = allocations.values.lazy.flatMap(\.relays).map(\.expiry).min()
        let reservations = ports.reservations.lazy.map(\.expiry).min()
        let connections = connections.lazy.compactMap(\.expiry).min()
        deadline = [relays, reservations, connections].compactMap(\.self).min()
    }

    private mutating func remove(_ allocation: ServerAllocation) {
        for relay in allocation.relays { remove(relay.address.family, of: allocation.tuple) }
    }

    /// Takes the relayed address of a family away, and the allocation with its last one.
    mutating func remove(_ family: IPAddress.Family, of tuple: TURNFiveTuple) {
        guard let address = allocations[tuple]?.relay(family)?.address else { return }
        allocations[tuple]?.removeRelay(family)
        if allocations[tuple]?.relays.isEmpty == true { allocations[tuple] = nil }
        closeConnections(of: address)
        owners[address] = nil
        ports.release(address)
        effects.append(.close(address))
    }
}

extension LongTermGatekeeper.Configuration {
    fileprivate init(_ settings: TURNServerSettings) {
        self.init(realm: settings.realm, users: settings.users)
        passwordAlgorithms = settings.passwordAlgorithms
        offersUserHash = settings.offersUserHash
        usesNonceCookie = settings.usesNonceCookie
        nonceLifetime = settings.nonceLifetime
        software = settings.software
    }
}
