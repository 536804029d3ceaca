import DequeModule
package import Logging
public import NetBase
public import STUN
import TLS
import TURNCore

/// Gets an address on a TURN server, and relays datagrams over it (RFC 8656), or connections (RFC 6062).
///
/// The client lives on an event loop. Its methods are called on the loop's thread and only start work; what comes of it arrives as
/// events on a later turn of the loop, and none after ``close()``.
///
/// ```swift
/// let client = try TURNClient(loop: loop, configuration: try TURNClientConfiguration(
///     url: "turn:turn.example.org", username: "user", password: "secret"))
/// client.onAllocate = { allocation in
///     print("peers reach us at \(allocation.relayedAddresses)")
///     client.bindChannel(to: peer)
/// }
/// client.onData = { bytes, peer in try? client.send(bytes, to: peer) }
/// client.onAllocationLost = { error in print(error) }
/// client.onResponseError = { method, code, reason in print("\(method): \(code) \(reason)") }
/// client.onError = { error in print(error) }
/// client.allocate()
/// ```
///
/// Allocation, permissions and channels are refreshed until ``close()``. A challenge (401) and a stale nonce (438) are answered without
/// an event; so is a redirection (300), and a port that the server remembers (437).
///
/// With a ``TURNClientConfiguration/relayTransport-swift.property`` of TCP the address is one that peers connect to, and that connects to
/// peers: ``connect(to:)`` and ``onConnectionAttempt`` give a ``TURNConnection`` for each.
public final class TURNClient {
    // MARK: Events

    /// The server gave us an address.
    public var onAllocate: ((TURNAllocation) -> Void)?

    /// The allocation was refreshed for so long; zero says that it was released.
    public var onRefresh: ((Duration) -> Void)?

    /// A peer at this address may send to us, and we to it.
    public var onCreatePermission: ((IPAddress) -> Void)?

    /// A peer's data travels on a channel of this number from now on.
    public var onChannelBind: ((TransportAddress, UInt16) -> Void)?

    /// A peer's datagram arrived; the bytes are borrowed for the call, copy them to keep them.
    public var onData: ((Span<UInt8>, TransportAddress) -> Void)?

    /// There may be room again behind a datagram that was refused with `wouldBlock`.
    public var onWritable: (() -> Void)?

    /// A peer that was let in with ``createPermission(for:)`` has connected to the relayed address: accept or refuse it, now or within
    /// half a minute.
    ///
    /// While this is nil all are refused. Those that nobody has answered are 64 at most.
    public var onConnectionAttempt: ((TURNConnectionAttempt) -> Void)?

    /// An ICMP error came back for what the server passed on to a peer.
    public var onICMP: ((TransportAddress, TURNPeerError) -> Void)?

    /// The allocation is gone: the server forgot it, or cannot be reached any more. ``allocate()`` may ask for another.
    ///
    /// Where the server and the client disagree about a channel, the client asks for another by itself, once.
    public var onAllocationLost: ((TURNClientError) -> Void)?

    /// The server of this name wants an access token, or another one before the one in use runs out: ``provide(accessToken:)`` hands it
    /// over (RFC 7635).
    ///
    /// The name is what the authorization server is to be told. Set this before ``allocate()``, which waits up to 30 seconds for the token.
    public var onAccessTokenNeeded: ((String) -> Void)?

    /// The server refused a request, with the error's code and reason, and nothing more is done about it.
    public var onResponseError: ((STUNMethod, Int, String) -> Void)?

    /// An allocation, permission or channel could not be made, for another reason than the server's word.
    public var onError: ((TURNClientError) -> Void)?

    // MARK: State

    /// What the client was made with.
    public let configuration: TURNClientConfiguration

    /// What was relayed and dropped.
    public internal(set) var statistics = TURNStatistics()

    /// The connections that are open or on their way, in the order in which they were asked for or accepted.
    public internal(set) var connections: [TURNConnection] = []

    /// Gets the same events before the closures do: how an ``ICEClient`` uses a client of somebody else's.
    package var observer: ((TURNEvent) -> Void)?

    /// What the user has to hear, in one order.
    enum Happening {
        case event(TURNEvent)
        case attempt(TURNConnectionAttempt)
        case connection(TURNConnection, TURNConnection.Event)
    }

    /// Whether the observer hands over the access tokens that are asked for.
    package var observerHasTokens = false

    enum Phase { case idle, opening, allocating, allocated, closed }

    let platform: any Platform
    private let logger: Logger
    let link: ServerLink
    var core: AllocationClient?
    var phase = Phase.idle
    /// When which server was asked to allocate (RFC 8489 §10).
    var askedServers: [TransportAddress: Instant] = [:]
    /// A server's error, until it is known what follows from it.
    var pendingError: (method: STUNMethod, code: Int, reason: String)?
    /// When the server may be asked again; nil for any time.
    var pauseEnd: Instant?
    /// Whether EVEN-PORT and RESERVATION-TOKEN are still asked for (RFC 8656 §7.4).
    var demandsPort = true
    /// The latest access token, and when it runs out.
    var accessToken: (token: TURNAccessToken, expiry: Instant)?
    /// The datagram that is being sent, as the server gets it.
    var outgoing: [UInt8] = []
    /// Whether the allocation took the place of one that was given up because of a channel, and no channel was bound since.
    var hasStartedAfresh = false
    var sockets: [RelayedSocket] = []
    /// Until when routes may follow the local address: without one, a datagram is as good as lost until then.
    package var routesDue: Instant?
    private var alarm: (any Alarm)?
    private var events: Deque<Happening> = []
    private var deliveryIsDue = false
    private var isPerforming = false

    /// A client on any platform: a loop's, or a simulated host's.
    ///
    /// With a UDP socket to share, requests over UDP and DTLS leave from there. The owner then hands in what comes to it from
    /// ``serverAddress`` with ``receive(_:)``, and ICMP errors with ``unreachable(_:)``.
    package init(
        platform: any Platform, configuration: TURNClientConfiguration, sharing socket: (any DatagramSocket)? = nil,
        logger: Logger? = nil
    ) throws(TURNClientError) {
        guard !configuration.host.isEmpty else {
            throw TURNClientError(.invalidConfiguration, "the host is empty: name the server")
        }
        if let conflict = configuration.options.conflict {
            throw TURNClientError(.invalidConfiguration, "one request cannot ask for both: \(conflict)")
        }
        if configuration.relayTransport == .tcp, !configuration.transport.isReliable {
            throw TURNClientError(
                .invalidConfiguration,
                "a relay for TCP is had over TCP or TLS only: set transport to .tcp or .tls, or put ?transport=tcp "
                    + "behind the URL"
            )
        }
        self.configuration = configuration
        self.platform = platform
        self.logger = logger ?? .silent
        accessToken = configuration.accessToken.map { ($0, platform.now + $0.lifetime) }
        do throws(TLSError) {
            link = try ServerLink(platform: platform, endpoint: configuration.endpoint, sharing: socket)
        } catch {
            throw TURNClientError(.invalidConfiguration, "\(error)")
        }
        alarm = platform.makeAlarm { [weak self] in self?.alarmFired() }
        listen()
    }

    deinit {
        abandonConnections()
        alarm?.close()
        link.close()
    }

    /// Releases the allocation as well as one message can, ends everything and frees the socket.
    ///
    /// No event fires after it; calling it again does nothing. The message may be lost, and the server then keeps the allocation for
    /// its lifetime: to be sure, call ``refresh(lifetime:)`` with zero and wait for ``onRefresh``.
    public func close() {
        guard phase != .closed else { return }
        if phase == .allocated || phase == .allocating {
            core?.refresh(lifetime: .zero, at: platform.now)
            // Not by way of perform(), inside of which this may have been called.
            while let effect = core?.nextEffect() {
                if case .send(let bytes) = effect { try? link.send(bytes) }
            }
        }
        phase = .closed
        core = nil
        events = []
        abandonConnections()
        link.close()
        alarm?.close()
        alarm = nil
        observer = nil
        for socket in sockets { socket.detach() }
        sockets = []
        // Closures may own what owns this client.
        (onAllocate, onRefresh, onCreatePermission, onChannelBind, onData) = (nil, nil, nil, nil, nil)
        (onICMP, onAllocationLost, onResponseError, onError, onWritable) = (nil, nil, nil, nil, nil)
        onConnectionAttempt = nil
        onAccessTokenNeeded = nil
    }
}

// MARK: - Driving

extension TURNClient {
    private func alarmFired() {
        link.advance(to: platform.now)
        core?.advance(to: platform.now)
        for connection in connections { connection.advance(to: platform.now) }
        perform()
    }

    func setAlarm() {
        let deadline = ([core?.deadline, link.deadline] + connections.map(\.deadline)).compactMap { $0 }.min()
        if let deadline { alarm?.set(for: deadline) } else { alarm?.cancel() }
    }

    /// Does what the core asks for, then sets the alarm.
    func perform() {
        guard !isPerforming else { return }
        isPerforming = true
        while let effect = core?.nextEffect() {
            switch effect {
            case .send(let bytes): transmit(bytes)
            case .event(let event): handle(event)
            }
        }
        isPerforming = false
        tellPendingError()
        setAlarm()
    }

    private func transmit(_ bytes: [UInt8]) {
        do throws(NetworkError) {
            try link.send(bytes)
        } catch {
            // A datagram that does not fit into a full buffer is as good as lost on the way: it will be repeated.
            if error.code == .wouldBlock || !link.isOpen { return }
            if error.code == .networkUnreachable, let routesDue, platform.now < routesDue { return }
            linkFailed(LinkError(.unreachable, error))
        }
    }

    /// Tells the user on a later turn.
    func schedule(_ event: TURNEvent) { schedule(.event(event)) }

    /// Tells the user on a later turn.
    func schedule(_ happening: Happening) {
        events.append(happening)
        scheduleDelivery()
    }

    private func scheduleDelivery() {
        guard !deliveryIsDue else { return }
        deliveryIsDue = true
        platform.enqueue { [weak self] in
            self?.deliveryIsDue = false
            self?.deliverEvents()
        }
    }

    /// Delivers the events there are; those that the user's closures cause wait for a turn of their own.
    func deliverEvents() {
        for _ in 0..<events.count {
            switch events.popFirst() {
            case .event(let event): dispatch(event)
            case .connection(let connection, let event): connection.dispatch(event)
            case .attempt(let attempt):
                if let onConnectionAttempt { onConnectionAttempt(attempt) } else { attempt.refuse() }
            case nil: return
            }
        }
        if !events.isEmpty { scheduleDelivery() }
    }

    private func dispatch(_ event: TURNEvent) {
        observer?(event)
        guard phase != .closed else { return }
        event.log(to: logger)
        switch event {
        case .allocated(let allocation): onAllocate?(allocation)
        case .refreshed(let lifetime): onRefresh?(lifetime)
        case .permitted(let peer): onCreatePermission?(peer)
        case .channelBound(let peer, let channel): onChannelBind?(peer, channel)
        case .peerError(let peer, let error): onICMP?(peer, error)
        case .lost(let error): onAllocationLost?(error)
        case .permissionLost, .channelLost: break
        case .accessTokenNeeded(let serverName): onAccessTokenNeeded?(serverName)
        case .responseError(let method, let code, let reason): onResponseError?(method, code, reason)
        case .failed(let error): onError?(error)
        }
    }
}
