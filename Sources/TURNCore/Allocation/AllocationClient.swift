import DequeModule
package import NetBase
import STUN

/// The client's end of one allocation, over one way to one server (RFC 8656 §7 to §12, RFC 6062 §4).
///
/// Whoever drives it hands in the server's messages, calls ``advance(to:)`` at the ``deadline``, and performs the effects until
/// there are none. Application data takes a way of its own: ``frame(_:to:at:)`` out, ``payload(ofChannelData:at:)``,
/// ``peer(on:at:)`` and ``payload(of:at:)`` in.
///
///     idle ──allocate──▶ allocating ──success──▶ allocated ──refresh(lifetime: 0)──▶ releasing ──▶ over
///                         │  ▲                     │                                               ▲  │
///                         │  └─── allocate, as the retry rule allows ──────────────────────────────│──┘
///                         └── error, silence ──────┴── 437, expiry, broken link ───────────────────┘
package struct AllocationClient: ~Copyable {
    /// What the driver is to do.
    package enum Effect: Hashable, Sendable {
        /// Send these bytes to the server; never drop them in favour of data.
        case send([UInt8])
        /// Tell this.
        case event(AllocationEvent)
    }

    let options: AllocationOptions
    let isReliable: Bool
    var generator: any RandomNumberGenerator
    var authenticator: TURNAuthenticator
    var roundTrips: RoundTripEstimator

    var lifecycle = Lifecycle.idle
    var permissions = PermissionTable()
    var channels = ChannelBindingTable()
    var outstanding: [OutstandingRequest] = []
    var waiting: Deque<TURNRequest> = []
    var connects = ConnectQueue()
    var attempts = ConnectionAttempts()
    /// How long after its request each permission and channel is refreshed: one rhythm for all, so that they are refreshed together.
    var peerRefreshInterval: Duration
    /// The Allocate request, while it waits for an access token.
    var parked: ParkedRequest?
    private var effects: Deque<Effect> = []

    /// Whether the server knows DONT-FRAGMENT, as far as we know.
    var usesDontFragment: Bool
    /// Whether the server gives tickets, as far as we know.
    var usesMobility: Bool
    /// Until when a way to the server is waited for; nil where there is one.
    var awayUntil: Instant?
    /// Whether the server relays to the address that it is being told of.
    var isReachedThere = false
    /// Whether EVEN-PORT and RESERVATION-TOKEN are still asked for.
    var demandsPort = true
    /// How many local ports the server did not take, one after the other.
    var rejectedPorts = 0

    /// A client without an allocation; the generator makes transaction IDs, and spreads refreshes.
    package init(_ options: AllocationOptions, generator: any RandomNumberGenerator, isReliable: Bool) {
        var generator = generator
        peerRefreshInterval = RefreshInterval.ofPeers(using: &generator)
        self.options = options
        self.generator = generator
        self.isReliable = isReliable
        usesDontFragment = options.isDontFragment && options.relayTransport == .udp
        usesMobility = options.wantsMobility
        authenticator = TURNAuthenticator(options)
        let timeout = options.retransmission.retransmissionTimeout
        roundTrips = RoundTripEstimator(initial: timeout, floor: timeout)
    }

    /// The next thing to do; nil when there is none left.
    package mutating func nextEffect() -> Effect? { effects.popFirst() }

    /// When ``advance(to:)`` has something to do.
    package var deadline: Instant? {
        let transactions = outstanding.lazy.compactMap(\.transaction.deadline).min()
        let own = [
            transactions, lifecycle.allocation?.deadline, permissions.deadline, channels.deadline, awayUntil,
            attempts.deadline, parked?.until, authenticator.deadline,
        ]
        return own.lazy.compactMap { $0 }.min()
    }

    /// Repeats, refreshes, expires and gives up what is due.
    package mutating func advance(to now: Instant) {
        advanceTransactions(to: now)
        advanceAbsence(to: now)
        advanceAuthorization(to: now)
        advanceAllocation(to: now)
        advancePeers(to: now)
        attempts.advance(to: now)
        launch(at: now)
    }

    mutating func perform(_ effect: Effect) { effects.append(effect) }

    mutating func tell(_ event: AllocationEvent) { effects.append(.event(event)) }
}
