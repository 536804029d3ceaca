import DequeModule
package import NetBase
import STUN

/// One side of an ICE session (RFC 8445), without I/O: inputs go in with the time they happen at, effects come out.
///
/// The shell calls an input, then performs effects until there are none, then sets its alarm to ``deadline``. The agent routes; what
/// it knows is kept by the gatherer, the checklists, the checks under way, and a consent monitor per component.
package struct ICEAgent: ~Copyable {
    package var configuration: ICEConfiguration { settings.value }
    package internal(set) var role: Role
    package internal(set) var state = ICEState.new
    package internal(set) var failure: ICEFailure?
    package internal(set) var counters = AgentCounters()

    /// Whether the application wants to be asked about each check before it is answered.
    package var asksAboutChecks = false

    /// Whether what happens is told as ``AgentEvent/trace(_:)``.
    package var isTracing = false {
        didSet { session.checklists.recordsChanges = isTracing }
    }

    /// Whether the application wants to say of each local candidate what becomes of it.
    package var asksAboutCandidates = false

    /// Whether the application has something that maps ports.
    package var mapsPorts = false

    private let settings: Shared<ICEConfiguration>
    var tieBreaker: TieBreaker
    var session: Session
    /// Where data may come from.
    var admissions = Admissions()
    var components: [ComponentState] = []
    var localCandidates = LocalCandidates()
    var gatherer = Gatherer()
    var network = NetworkWatch()
    var sockets: [Socket] = []
    var pacer: Pacer
    var roundTrips: RoundTripEstimator
    var isChecking = false
    var pacingDeadline: Instant?
    var gatheringIsNext = false
    /// The addresses that were let in on each relay.
    var permissions: Set<RelayPermission> = []
    /// The names that stand for addresses of this machine.
    var hostNames = HostNames()
    /// Whether the peer has hidden an address behind a name.
    var peerHides = false
    /// Whether the peer has told a host address as it is.
    var peerShows = false
    /// By how much backups are checked later than they might be, anew after each check.
    var backupStretch: Double
    /// When the relays that nobody uses are freed.
    var relayRelease: Instant?
    /// When the connections that nobody uses are closed.
    var connectionRelease: Instant?
    var generator: any RandomNumberGenerator

    /// Whether ``settle(at:)`` is still to follow what was received.
    var isUnsettled = false
    /// Whether what was received last is a check of the peer's on a pair where one of ours is under way.
    var hasCrossed = false

    private var effects = UniqueDeque<Effect>()
    private var nextSocketNumber = 0
    /// The positions of streams that were removed are not given again.
    var nextStreamIndex = 0

    /// A socket of a component.
    struct Socket {
        let id: SocketID
        let path: StreamComponent
        /// What its candidates are reached with.
        let transport: Candidate.Transport
        let rank: Int
        /// Nil until it is open.
        var base: TransportAddress?
        /// The allocation that it is an address of, by the ID of its first one; nil for a socket of this machine.
        var allocation: SocketID?
        /// The address of this machine that was to be bound.
        var address: IPAddress?
        /// Whether another one has taken its place in a later generation, so that it is there for the pair in use alone.
        var isRetired = false
        var isRelay: Bool { allocation != nil }
    }

    package init(
        configuration: ICEConfiguration, generator: any RandomNumberGenerator, governor: any PacingGovernor
    ) {
        var generator = generator
        settings = Shared(configuration)
        role = configuration.role
        tieBreaker = TieBreaker(using: &generator)
        session = Session(
            generation: 0, local: configuration.localCredentials ?? Credentials(using: &generator), streams: [])
        pacer = Pacer(
            interval: configuration.pacing.agreedInterval(remote: nil),
            processSpacing: configuration.pacing.processSpacing,
            governor: governor)
        let initial = configuration.pacing.initialRetransmissionTimeout
        roundTrips = RoundTripEstimator(initial: initial, floor: configuration.pacing.measuredTimeoutFloor ?? initial)
        backupStretch = KeepaliveInterval.drawStretch(using: &generator)
        self.generator = generator
        localCandidates.limit = max(1, configuration.maximumLocalCandidates)
    }

    // MARK: Out

    /// The next thing to do; nil when all is done.
    package mutating func nextEffect() -> Effect? {
        let next = effects.popFirst()
        // Once a session has settled there are none for seconds: their room is given back.
        if effects.isEmpty, next != nil, state != .new, state != .checking { effects = UniqueDeque() }
        return next
    }

    /// When ``advance(to:)`` wants to be called next; if that is now, once what has arrived is received.
    package var deadline: Instant? {
        guard state != .closed else { return nil }
        var first = Earliest()
        first.note(pacingDeadline)
        first.note(gatherer.deadline)
        first.note(session.checks.deadline)
        first.note(session.nominationHold)
        first.note(patienceDeadline)
        for index in components.indices { first.note(components[index].selected?.deadline) }
        first.note(backupDeadline)
        first.note(relayRelease)
        first.note(connectionRelease)
        first.note(network.deadline)
        return first.instant
    }

    mutating func emit(_ effect: consuming Effect) {
        if effects.isEmpty { effects.reserveCapacity(Self.usualEffectCount) }
        effects.append(effect)
    }

    /// What most inputs have is no more than this.
    private static let usualEffectCount = 4

    mutating func tell(_ event: consuming AgentEvent) {
        if isTracing { trace(telling: event) }
        if hides(event) { event = shown(event) }
        // What streams that still work go through is told no more once the session has failed, but for the path of their data.
        if state == .failed, event.isAboutChecks { return }
        emit(.event(event))
    }

    // MARK: What the peer is told, and has told

    /// The credentials and abilities to signal to the peer.
    package var localParameters: ICEParameters {
        ICEParameters(
            credentials: session.keys.local,
            options: configuration.renomination ? Self.optionsWithRenomination : Self.options,
            isLite: isLite, pacingInterval: isLite ? nil : configuration.pacing.agreedInterval(remote: nil))
    }

    private static let options = ["ice2", "trickle"]
    private static let optionsWithRenomination = options + ["renomination"]

    /// What the peer signalled, once it has.
    package var remoteParameters: ICEParameters? { session.keys.isRemoteSignalled ? session.remote : nil }

    /// What the peer calls itself by, once that is known.
    package var remoteUsernameFragment: String? { session.remote?.usernameFragment }

    /// What the peer signalled for a stream, which may have credentials of its own.
    package func remoteParameters(of stream: StreamID?) -> ICEParameters? {
        stream.flatMap { session.keys.remote(of: $0) } ?? session.remote
    }

    /// The peer's candidates that are known.
    package var remoteCandidates: [Candidate] { session.remoteCandidates.all.map { shown($0) } }

    /// The way a component's data goes.
    package func selectedPair(of path: StreamComponent) -> CandidatePair? {
        components.first { $0.path == path }?.selected.map { shown($0.pair) }
    }

    /// How far gathering has come.
    package var gatheringState: ICEGatheringState { gatherer.state }

    /// All pairs of this generation, best first within their stream.
    package var pairs: [CheckPair] { Array(session.checklists.pairs) }

    /// The same as the application sees them.
    package var shownPairs: [CandidatePair] { pairs.map { shown($0.description) } }

    // MARK: Sockets

    mutating func makeSocketID() -> SocketID {
        defer { nextSocketNumber += 1 }
        return SocketID(number: nextSocketNumber)
    }

    /// Opens what a component has on an address: one socket for each transport in use.
    mutating func openSockets(on ip: IPAddress, for path: StreamComponent, rank: Int) {
        for transport in socketTransports { openSocket(over: transport, on: ip, for: path, rank: rank) }
    }

    mutating func openSocket(
        over transport: Candidate.Transport, on ip: IPAddress, for path: StreamComponent, rank: Int
    ) {
        if publishesNames { publishName(of: ip) }
        let id = makeSocketID()
        sockets.append(Socket(id: id, path: path, transport: transport, rank: rank, base: nil, address: ip))
        emit(.openSocket(id, ip, transport, for: path))
    }

    // MARK: Time and end

    /// Does what has become due. The time must not go backwards.
    package mutating func advance(to now: Instant) {
        guard state != .closed else { return }
        advanceGathering(to: now)
        advanceNetwork(to: now)
        advanceChecks(to: now)
        advancePaths(to: now)
        advanceBackups(to: now)
        releaseRelays(at: now)
        releaseConnections(at: now)
        settle(at: now)
    }

    /// Brings everything that follows from an input to rest; every input ends here, or several that came at once do.
    ///
    /// ```
    ///  input ──▶ gatherer, checklists, checks, paths change
    ///              │ settle
    ///              ├─ decideNominations   which valid pair is to be chosen (controlling agent)
    ///              ├─ pump                as many transactions as the pacing allows: nominations, triggered checks,
    ///              │                      ordinary checks and gathering in turn; else pacingDeadline
    ///              └─ updateState         gathering's end, connected, failed …
    ///                   └──▶ effects: send, usePath, event …
    /// ```
    package mutating func settle(at now: Instant) {
        isUnsettled = false
        guard state != .closed else { return }
        decideNominations(at: now)
        pump(at: now)
        updateState(at: now)
        traceChanges()
    }

    /// Ends the session: closes the sockets; nothing is sent or told after it.
    package mutating func close() {
        guard state != .closed else { return }
        effects = UniqueDeque()
        for component in components where component.selected != nil { emit(.dropPath(component.path)) }
        for socket in sockets { emit(.closeSocket(socket.id)) }
        sockets = []
        state = .closed
    }
}

/// What was dropped, by reason: the network may send anything.
package struct AgentCounters: Hashable, Sendable {
    /// Datagrams that look like STUN and are not.
    package var malformed = 0
    /// Requests with no, unknown or wrong credentials or a wrong fingerprint.
    package var unauthenticated = 0
    /// Responses that no request waits for, or that are not authentic.
    package var unmatched = 0
    /// Candidates that were ignored: of another generation, kind or transport, or over a limit.
    package var ignoredCandidates = 0
}
