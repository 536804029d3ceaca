public import NetBase
public import STUN
import TURNCore

/// A TURN server on a simulated host: it relays for its users over UDP and TCP, and takes them over both (RFC 8656, RFC 6062).
///
/// ```swift
/// let host = network.makeHost("turn", addresses: ["192.0.2.10", "2001:db8::10"])
/// let server = try SimulatedTURNServer(on: host, users: ["alice": "secret"])
/// server.settings.nonceLifetime = .seconds(60)
/// server.fail(.createPermission, with: .forbidden)
/// network.schedule(after: .seconds(90)) { server.restart(after: .seconds(1)) }
/// ```
///
/// It answers Binding requests as well, and relays from all addresses that its host has, link-local ones excepted. It lives as long
/// as its host.
public final class SimulatedTURNServer {
    /// How it behaves; may be changed at any time.
    public var settings: TURNServerSettings {
        get { core.settings }
        set { core.settings = newValue }
    }

    /// Whether it listens and does nothing with what it hears, from clients and from peers.
    public var isSilent = false

    /// How many of the next requests it loses.
    public var dropNext: Int {
        get { core.dropNext }
        set { core.dropNext = newValue }
    }

    /// How long it thinks before each response.
    public var delay: Duration = .zero

    /// What it has done so far.
    public var counters: TURNServerCounters { core.counters }

    /// What is allocated now, in the order in which it was made.
    public var allocations: [TURNAllocationSummary] {
        host.map { core.allocationSummaries(at: $0.now) } ?? []
    }

    /// The addresses that it takes clients on, over UDP and TCP.
    public let addresses: [TransportAddress]

    var core: TURNServerCore
    private var sockets: [TransportAddress: SimulatedSocket] = [:]
    private var doors: [SimulatedListener] = []
    /// When it comes back from its last restart.
    private var backAt: Instant?
    private var relays: [TransportAddress: SimulatedSocket] = [:]
    var connections: [TURNFiveTuple: Connection] = [:]
    var listeners: [TransportAddress: SimulatedListener] = [:]
    var peers: [UInt32: PeerLine] = [:]
    private var alarm: SimulatedAlarm?
    private var alarmInstant: Instant?
    private(set) weak var host: SimulatedHost?

    /// Starts a server for some users, by name and password, on all addresses that a host has now; throws `.addressInUse`, for UDP
    /// or TCP.
    @discardableResult
    public init(
        on host: SimulatedHost, port: UInt16 = 3478, users: [String: String], realm: String = "example.org"
    ) throws(NetworkError) {
        self.host = host
        addresses = host.interfaces.flatMap(\.addresses).map { TransportAddress($0.ip, port: port) }
        core = TURNServerCore(
            TURNServerSettings(users: users, realm: realm), relayIPs: [],
            generator: SeededGenerator(seed: host.generator.next()))
        try open(on: host)
        alarm = SimulatedAlarm(on: host.fabric.scheduler) { [weak self] in
            self?.alarmInstant = nil
            self?.update { core, now in core.advance(to: now) }
        }
        host.keep(self)
    }

    /// Answers the next requests of a method with an error.
    ///
    /// They have to pass the check of their credentials first, and the response is signed as any other.
    public func fail(_ method: STUNMethod, with error: STUNMessage.ErrorCode, times: Int = 1) {
        core.fail(method, with: error, times: times)
    }

    /// Makes an access token, as the authorization server of this TURN server would, which is good from now on (RFC 7635).
    ///
    /// It is taken for 5 seconds longer than its lifetime, and no allocation lasts longer than that. ``TURNServerSettings/thirdPartyName``
    /// has to be set before; when that changes, the tokens made so far are for nothing.
    public func issueAccessToken(lifetime: Duration) -> TURNAccessToken {
        core.issueToken(lifetime: lifetime, at: host?.now ?? Instant(nanoseconds: 0))
    }

    /// Takes none of the tokens any more that were made so far; their allocations go on until they have to be refreshed.
    public func revokeAccessTokens() { core.revokeTokens() }

    /// Crashes and comes back, at once or after a while: all allocations, nonces and connections are gone, and only those who ask are told.
    ///
    /// As long as it is away, its ports are closed; another restart meanwhile says anew when it comes back. Where another program has one of
    /// them by then, it stays away.
    public func restart(after absence: Duration = .zero) {
        for tuple in connections.keys.sorted(by: { $0.description < $1.description }) {
            connections.removeValue(forKey: tuple)?.stream.reset()
        }
        update { core, _ in core.restart() }
        guard let host else { return }
        let back = host.now + absence
        backAt = back
        if absence > .zero {
            close()
            host.fabric.scheduler.schedule(at: back) { [weak self] in
                if self?.backAt == back { self?.comeBack() }
            }
        } else {
            comeBack()
        }
    }

    private func comeBack() {
        guard let host, sockets.isEmpty else { return }
        do throws(NetworkError) {
            try open(on: host)
        } catch {
            close()
        }
    }

    private func open(on host: SimulatedHost) throws(NetworkError) {
        for address in addresses {
            let socket = try host.bind(address)
            sockets[address] = socket
            socket.onDatagram = { [weak self] bytes, source in
                self?.receive(bytes, on: TURNFiveTuple(.udp, client: source, server: address))
            }
            let door = try host.listen(on: address) { [weak self] stream in
                self?.serve(stream, TURNFiveTuple(.tcp, client: stream.remoteAddress, server: address))
            }
            doors.append(door)
        }
    }

    private func close() {
        for socket in sockets.values { socket.close() }
        for door in doors { door.close() }
        (sockets, doors) = ([:], [])
    }
}

// MARK: - In

extension SimulatedTURNServer {
    private func receive(_ bytes: Span<UInt8>, on tuple: TURNFiveTuple) {
        if isSilent { return }
        if STUNMessage.looksLikeSTUN(bytes) { describeHost() }
        guard let now = host?.now else { return }
        core.receive(bytes, on: tuple, at: now)
        performEffects()
    }

    private func serve(_ stream: SimulatedStream, _ tuple: TURNFiveTuple) {
        connections[tuple] = Connection(stream)
        stream.onBytes = { [weak self] bytes in self?.receive(stream: bytes, on: tuple) }
        stream.onClose = { [weak self] _ in self?.forget(tuple) }
    }

    private func receive(stream bytes: Span<UInt8>, on tuple: TURNFiveTuple) {
        guard !isSilent, let connection = connections[tuple], let now = host?.now else { return }
        describeHost()
        guard !take(bytes, on: tuple, connection, at: now) else { return }
        connection.stream.reset()
        forget(tuple)
    }

    private func forget(_ tuple: TURNFiveTuple) {
        connections[tuple] = nil
        update { core, _ in core.disconnect(tuple) }
    }

    /// What an Allocate request may need to know.
    private func describeHost() {
        guard let host else { return }
        let ips = host.interfaces.flatMap(\.addresses).map(\.ip).filter { !$0.isLinkLocal }
        let datagramPorts = host.datagramPorts.filter { !$0.value.isEmpty }.keys
        let streamPorts = host.listeners.filter { !$0.value.isEmpty }.keys
        core.setHost(ips: ips, occupiedPorts: Set(datagramPorts).union(streamPorts))
    }
}

// MARK: - Out

extension SimulatedTURNServer {
    func update(_ change: (inout TURNServerCore, Instant) -> Void) {
        guard let host else { return }
        change(&core, host.now)
        performEffects()
    }

    func performEffects() {
        while let effect = core.nextEffect() { perform(effect) }
        guard core.deadline != alarmInstant else { return }
        alarmInstant = core.deadline
        if let alarmInstant { alarm?.set(for: alarmInstant) } else { alarm?.cancel() }
    }

    private func perform(_ effect: TURNServerCore.Effect) {
        switch effect {
        case .respond(let response, let tuple): afterDelay { [weak self] in self?.send(response.bytes, to: tuple) }
        case .deliver(let bytes, let tuple):
            if let stream = connections[tuple]?.stream, stream.unsentByteCount > settings.streamBacklog {
                return core.noteDrop(.slowClient)
            }
            send(bytes, to: tuple)
        case .relay(let bytes, let address, let peer):
            if (try? relays[address]?.send(bytes, to: peer)) == nil { core.noteDrop(.unsendable) }
        case .open(let address): open(address)
        case .close(let address):
            relays.removeValue(forKey: address)?.close()
            listeners.removeValue(forKey: address)?.close()
        case .listen(let address): listen(on: address)
        case .connect(let id, let address, let peer): connect(id, from: address, to: peer)
        case .join(let id, let tuple): join(id, tuple)
        case .closePeer(let id): closePeer(id)
        case .hangUp(let tuple): hangUp(tuple)
        }
    }

    /// Does something when the server has thought about it.
    func afterDelay(_ work: @escaping () -> Void) {
        guard delay > .zero, let host else { return work() }
        host.fabric.scheduler.schedule(at: host.now + delay, work)
    }

    private func send(_ bytes: [UInt8], to tuple: TURNFiveTuple) {
        // A client that can no longer be reached does not hear of it, as in life.
        if tuple.transport == .udp {
            try? sockets[tuple.server]?.send(bytes, to: tuple.client)
        } else {
            try? connections[tuple]?.stream.write(bytes)
        }
    }

    private func open(_ address: TransportAddress) {
        guard let socket = try? host?.bind(address) else { return }
        relays[address] = socket
        socket.onDatagram = { [weak self] bytes, peer in
            guard let self, !isSilent, let now = host?.now else { return }
            core.receive(bytes, from: peer, onRelay: address, at: now)
            performEffects()
        }
        socket.onUnreachable = { [weak self] peer, error in
            guard let self, !isSilent else { return }
            update { core, now in core.receive(error.code, about: peer, onRelay: address, at: now) }
        }
    }
}
