public import ICECore
public import Logging
import NetBase
import STUN
public import UV

/// One side of an ICE session (RFC 8445): finds a path to the peer and sends data over it.
///
/// The client lives on an event loop. Its methods are called on the loop's thread and only start work; what comes of it arrives as
/// events on a later turn of the loop.
///
/// ```swift
/// let loop = try EventLoop()
/// let client = ICEClient(loop: loop, configuration: ICEConfiguration(role: .controlling))
/// client.onCandidate = { candidate in signal(candidate?.description ?? "") }
/// client.onStateChange = { state in if state == .connected { try? client.send("hello") } }
/// client.onData = { bytes, _ in print(String(decoding: [UInt8](copying: bytes), as: UTF8.self)) }
/// client.gatherCandidates()
/// client.processCandidates()
/// // … and as the peer's signalling arrives:
/// try client.setRemoteParameters(parameters)
/// try client.addRemoteCandidate("candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host")
/// loop.run()
/// ```
public final class ICEClient {
    // MARK: Events

    /// A local candidate, to be signalled to the peer; nil once when gathering is complete.
    public var onCandidate: ((Candidate?) -> Void)?
    /// A local candidate that ``onCandidate`` told of is none any more: its address is gone. Only with continual gathering.
    public var onCandidateRemoved: ((Candidate) -> Void)?
    /// A server gave no candidate; gathering goes on.
    public var onCandidateError: ((CandidateError) -> Void)?
    /// A pair was nominated and is now its component's selected pair.
    public var onPairNominated: ((CandidatePair) -> Void)?
    /// A pair's check failed.
    public var onPairFailed: ((CandidatePair, PairFailure) -> Void)?
    /// The session's state changed; ``failure`` tells why it failed.
    public var onStateChange: ((ICEState) -> Void)?
    /// Gathering began or ended.
    public var onGatheringStateChange: ((ICEGatheringState) -> Void)?
    /// Data goes over another pair than before: the nominated one, or before that the best that works.
    public var onSelectedPairChange: ((CandidatePair) -> Void)?
    /// A path is lost, or a better one is known, and only ``restart()`` and signalling help; told once in a generation.
    ///
    /// With ``ICEConfiguration/restartsByItself`` the restart for a lost path has been made: signal the new ``localParameters``.
    public var onRestartNeeded: ((RestartReason) -> Void)?
    /// A server of the configuration, made with an access token, wants another one: ``provide(accessToken:for:)`` hands it over (RFC 7635).
    ///
    /// With the server comes the name that it has for the authorization server. It is asked for once until it is there, in time before the
    /// one in use runs out, and where the server does not take it.
    public var onAccessTokenNeeded: ((ICEServer, String) -> Void)?
    /// A datagram of the application arrived; the bytes are borrowed for the call, copy them to keep them.
    ///
    /// The first may come before this side is `connected`, and then can't be answered yet: a lite client has to wait for the nomination.
    public var onData: ((Span<UInt8>, StreamComponent) -> Void)? {
        get { takeDatagram }
        set { takeDatagram = newValue }
    }
    /// Datagrams of the application arrived, as many as the system hands over at a time; they are borrowed for the call.
    ///
    /// It is the quicker one of the two where much arrives: Linux puts a burst together, up to 64 datagrams. Who sets ``onData`` as well gets
    /// each datagram there, too, behind the batch.
    public var onDataBatch: ((DatagramBatch, StreamComponent) -> Void)? {
        get { takeBatch }
        set { takeBatch = newValue }
    }
    /// There is room again behind a datagram that `send(_:on:)` refused with `wouldBlock`, or did not take of several, or the pair that
    /// it was for is in use no more; once for each such time.
    public var onWritable: ((StreamComponent) -> Void)?
    /// Asked about every authenticated check before it is answered; false drops it silently. Nil accepts all.
    public var shouldAcceptBindingRequest: ((BindingRequest) -> Bool)? {
        didSet { agent.asksAboutChecks = shouldAcceptBindingRequest != nil }
    }
    /// Gets everything that happens, each event in its order with the others; nil costs nothing.
    ///
    /// What was noted up to ``close()`` is told on the turn after it, with ``ICETraceEvent/Kind/closed`` as the last.
    public var onTrace: ((ICETraceEvent) -> Void)? {
        didSet { agent.isTracing = onTrace != nil }
    }
    /// Asked about each local candidate before it is told of, in each generation: nil drops it, so that it is neither signalled nor paired,
    /// and another address, related address or attributes are signalled instead of its own. Nil lets all pass.
    ///
    /// Checks are sent from the same socket whatever is signalled, so that a machine with a public address at a 1:1 NAT may tell that one.
    /// A host candidate that is dropped still is the base of reflexive ones, whose related addresses are then hidden. Set it before gathering.
    public var rewriteLocalCandidate: ((Candidate) -> Candidate?)? {
        didSet { agent.asksAboutCandidates = rewriteLocalCandidate != nil }
    }
    /// Asked about each candidate of the peer's signalling when it is added; false ignores and counts it. Nil accepts all.
    public var shouldAcceptRemoteCandidate: ((Candidate) -> Bool)?
    /// Asked about each address of each interface when gathering begins, within that call; false leaves it unused. Nil uses all that the
    /// configuration lets through.
    public var shouldUseInterface: ((InterfaceAddress) -> Bool)?
    /// Gets the same events, but for the trace.
    public weak var delegate: (any ICEClientDelegate)? {
        didSet { hasDelegate = delegate != nil }
    }
    /// Spares each datagram the look at a weak reference where there never was a delegate.
    private(set) var hasDelegate = false

    /// A TURN client of the application's own, used for relayed candidates of the first component beside the configured servers.
    ///
    /// Set it before gathering, or before a restart. It stays the application's: closing this client leaves it open. One whose relay is for TCP
    /// is of no use here, and left alone.
    public var turnClient: TURNClient?

    /// What maps the ports of this client's sockets on the NAT in front of the machine: each address that it tells becomes a
    /// server-reflexive candidate.
    ///
    /// Set it before gathering, or before a restart. It stays the application's: closing this client ends its own mappings alone. The
    /// ICEPortMapping product has one for NAT-PMP.
    public var portMapper: (any PortMapper)? {
        didSet { agent.mapsPorts = portMapper != nil }
    }

    // MARK: State

    /// What the client was made with.
    public var configuration: ICEConfiguration { agent.configuration }

    // The agent does no I/O and calls nobody back, so that no access to it overlaps another: debug builds, and with them the tests, look
    // whether one does, and release builds save 6 % of what setting up a call costs.
    #if DEBUG
        var agent: ICEAgent
    #else
        var agent: ICEAgent {
            _read { yield unsafe uncheckedAgent }
            _modify { yield unsafe &uncheckedAgent }
        }
        @exclusivity(unchecked) private var uncheckedAgent: ICEAgent
    #endif
    /// ``ICEConfiguration/coalescesSends``, which is asked for each datagram.
    let coalescesSends: Bool
    let platform: any Platform
    /// What closures that live longer than the client know it by.
    let reference = ClientReference()
    /// The client's place on a shared port, if it has no ports of its own.
    let member: PortMember?
    var namedGeneration = 0
    let logger: Logger
    let hasLogger: Bool
    var sockets: [ClientSocket] = []
    // What is read for each datagram is replaced, never changed in place, and out of other modules' reach: then no access can overlap
    // another, and the compiler leaves out the check for that.
    var paths: [DataPath] = []
    var relays: [Relay] = []
    /// The access tokens that were handed over, each with the time that it runs out at.
    var accessTokens: [ICEServer: (token: TURNAccessToken, expiry: Instant)] = [:]
    var mappings: [(socket: SocketID, mapping: any PortMapping)] = []
    /// Who awaits events and datagrams.
    var eventStreams: [AwaitedStream<ICEEvent>] = []
    var datagramStreams: [AwaitedStream<ICEDatagram>] = []
    var takeDatagram: ((Span<UInt8>, StreamComponent) -> Void)?
    var takeBatch: ((DatagramBatch, StreamComponent) -> Void)?
    /// Whether ``flushWork`` is to run at the end of this turn; it is made once, as nothing is allocated for a datagram.
    var flushIsDue = false
    private(set) lazy var flushWork: () -> Void = { [reference] in reference.client?.flush() }
    var counted = ICECounters()
    var selectedPairChanges: UInt64 = 0
    var closedTraffic: [ClosedTraffic] = []
    /// What the times in statistics count from.
    let madeAt: Instant
    var describedStreams: [MediaDescription] = []
    private(set) var isClosed = false
    var toldGatheringState = ICEGatheringState.new
    /// Why the state was told last that is being told; ``failure`` may be ahead of it.
    package internal(set) var toldFailure: ICEFailure?
    var pendingEvents = EventQueue()
    var deliveryIsDue = false
    private(set) lazy var deliveryWork: () -> Void = { [reference] in reference.client?.deliverOnThisTurn() }
    /// Whether the agent is still to settle what came before the rest of what has arrived with it.
    var owesSettling = false
    private var isPerforming = false
    private var alarm: (any Alarm)?
    private var alarmTime: Instant?
    /// The last look-up of each server.
    var lookUps: [Int: any Cancellable] = [:]
    var networkWatch: (any Cancellable)?
    /// The names of the peer that are being looked up, and those of ours that are answered for.
    var nameLookUps: [MulticastName: MulticastLookUp] = [:]
    var publications: [MulticastName: MulticastPublication] = [:]

    // MARK: Life

    /// A client on an event loop.
    ///
    /// - Parameters:
    ///   - loop: Where its sockets and timers live; all of its methods are called on that loop's thread.
    ///   - configuration: How it works; it cannot be changed afterwards.
    ///   - logger: Gets debug messages; silent unless given. No credential is logged.
    public convenience init(
        loop: EventLoop, configuration: ICEConfiguration = ICEConfiguration(), logger: Logger? = nil
    ) {
        self.init(platform: UVPlatform(loop), configuration: configuration, logger: logger)
    }

    /// A client on the port that it shares with others, and on that port's loop.
    ///
    /// It has one component, and gathers on the port's addresses: ``ICEConfiguration/portRange`` and
    /// ``ICEConfiguration/differentiatedServicesCodePoint`` don't count, and ``ICEConfiguration/includesLoopback`` is set where the port is
    /// open on loopback addresses.
    ///
    /// - Throws: ``ICEError/Code/usernameFragmentInUse`` where another client of the port has the ``ICEConfiguration/localCredentials``'
    ///   username fragment, ``ICEError/Code/closed`` for a closed port.
    public convenience init(
        port: SharedPort, configuration: ICEConfiguration = ICEConfiguration(), logger: Logger? = nil
    ) throws(ICEError) {
        let member = PortMember(of: port, isLite: configuration.isLite)
        var configuration = configuration
        if port.servesLoopback { configuration.includesLoopback = true }
        self.init(platform: port.platform, configuration: configuration, logger: logger, member: member)
        try enter(port)
    }

    /// A client on any platform: a loop's, or a simulated host's.
    package convenience init(platform: any Platform, configuration: ICEConfiguration, logger: Logger? = nil) {
        self.init(platform: platform, configuration: configuration, logger: logger, member: nil)
    }

    private init(platform: any Platform, configuration: ICEConfiguration, logger: Logger?, member: PortMember?) {
        self.platform = platform
        self.member = member
        madeAt = platform.now
        coalescesSends = configuration.coalescesSends
        self.logger = logger ?? .silent
        hasLogger = logger != nil
        let agent = ICEAgent(
            configuration: configuration, generator: platform.makeRandomNumberGenerator(),
            governor: platform.pacingGovernor)
        #if DEBUG
            self.agent = agent
        #else
            unsafe uncheckedAgent = agent
        #endif
        reference.begin(self)
        alarm = platform.makeAlarm { [reference] in reference.client?.alarmFired() }
    }

    deinit {
        // A closed client's is ended already, and the loop's thread may be looking.
        if !isClosed { reference.end() }
        alarm?.close()
        networkWatch?.cancel()
        for lookUp in lookUps.values { lookUp.cancel() }
        closeNames()
        closeRelays()
        for (_, mapping) in mappings { mapping.close() }
        for socket in sockets { socket.close() }
        member?.leave()
        endStreams()
    }

    /// Ends the session, frees its sockets and lets go of all closures. Calling it again does nothing.
    ///
    /// No event fires after it but the rest of a trace. The peer is not told: it becomes `disconnected` after some seconds, and `failed` once its consent has run
    /// out. Afterwards the methods that throw do so with ``ICEError/Code/closed``, and the others do nothing.
    public func close() {
        guard !isClosed else { return }
        flush()
        isClosed = true
        closeRelays()
        agent.close()
        endTrace()
        pendingEvents = EventQueue()
        perform()
        reference.end()
        alarm?.close()
        alarm = nil
        networkWatch?.cancel()
        networkWatch = nil
        for lookUp in lookUps.values { lookUp.cancel() }
        lookUps = [:]
        closeNames()
        member?.leave()
        dropClosures()
        endStreams()
    }

    /// Closures may own what owns this client.
    private func dropClosures() {
        (onCandidate, onCandidateError, onPairNominated, onPairFailed) = (nil, nil, nil, nil)
        (onCandidateRemoved, onAccessTokenNeeded) = (nil, nil)
        (onStateChange, onGatheringStateChange, onSelectedPairChange) = (nil, nil, nil)
        onDataBatch = nil
        (onRestartNeeded, onData, onWritable, shouldAcceptBindingRequest, onTrace) = (nil, nil, nil, nil, nil)
        (rewriteLocalCandidate, shouldAcceptRemoteCandidate, shouldUseInterface) = (nil, nil, nil)
    }

    // MARK: Driving the agent

    /// Hands an input to the agent, then does what follows from it.
    func input<Result>(_ body: (inout ICEAgent, Instant) -> Result) -> Result {
        let result = body(&agent, platform.now)
        perform()
        return result
    }

    private func alarmFired() {
        alarmTime = nil
        reportData()
        // What has come in since the alarm was set may have put the deadline off.
        if let deadline = agent.deadline, deadline > platform.now { return perform() }
        input { agent, now in agent.advance(to: now) }
    }

    func perform() {
        guard !isPerforming else { return }
        isPerforming = true
        while let effect = agent.nextEffect() { perform(effect) }
        isPerforming = false
        // The last of what has arrived together brings the rest.
        guard !owesSettling else { return }
        rename()
        reviewExpectations()
        setAlarm()
    }

    func setAlarm() {
        guard let deadline = agent.deadline else {
            if alarmTime != nil { alarm?.cancel() }
            alarmTime = nil
            return
        }
        // Most of what comes in puts the deadline off: an alarm that goes too early costs less than one that is set ever anew.
        if let alarmTime, alarmTime <= deadline { return }
        alarmTime = deadline
        alarm?.set(for: deadline)
    }
}
