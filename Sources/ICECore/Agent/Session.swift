import NetBase
import STUN

/// Everything that belongs to one generation of credentials: a restart begins a new one (RFC 8445 §9).
struct Session {
    let generation: Int
    let keys: SessionKeys
    var remoteCandidates = RemoteCandidates()
    /// The peer's candidates whose names are being looked up.
    var sought = SoughtCandidates()
    /// Of which streams the peer said that it has no more candidates.
    var remoteEnds = RemoteEnds()
    /// Whether it said so ahead of its credentials and without a name, so that candidates may still come.
    var endIsDoubtful = false
    /// The streams that were added later, whose candidates an end of all streams' did not speak of.
    var lateStreams: Set<StreamID> = []
    /// The local candidates that were signalled, which alone may be paired (RFC 8838 §10).
    var conveyed: [LocalCandidate] = []
    var checklists: ChecklistSet
    var checks = OutgoingChecks()
    var early = EarlyChecks()
    /// Whom a relay was asked to let in, and does not.
    var refusedPermissions: Set<RelayPermission> = []
    /// Until when failure is not declared (RFC 8863 §4).
    var patienceEnd: Instant?
    /// Pairs whose nominating check waits for its slot.
    var nominations: [PairID] = []
    /// The pairs that the peer may have been told to use.
    var nominated = NominatedPairs()
    /// When a nomination that is held back is looked at again.
    var nominationHold: Instant?
    var nominationNumbers = NominationNumbers()
    /// How many nominations this agent has sent, where they are numbered.
    var sentNominations: UInt32 = 0
    /// What the application was told last that only a restart helps against.
    var askedForRestart: RestartReason.Code?
    /// Whether a check was answered only after it had been repeated.
    var sawLoss = false

    init(generation: Int, local: Credentials, streams: some Sequence<StreamID>) {
        self.generation = generation
        keys = SessionKeys(local: local)
        checklists = ChecklistSet(generation: generation)
        for stream in streams { checklists.addList(for: stream) }
    }

    var remote: ICEParameters? { keys.remote }

    /// Whether ``remote`` is known.
    var hasRemote: Bool { keys.hasRemote }

    /// Whether a check names the peer's session; nil while that is not known.
    func isPeers(_ check: IncomingCheck) -> Bool? {
        keys.remoteFragment(of: check.path.stream).map { $0 == check.remoteUsernameFragment }
    }

    /// What waits to be nominated of a component is nominated no more.
    mutating func forgetNominations(of path: StreamComponent) {
        guard !nominations.isEmpty else { return }
        nominations.removeAll { checklists[$0]?.path == path }
        if nominations.isEmpty { nominations = [] }
    }

    /// Whether a nomination of the component is on its way or about to be.
    func isNominating(_ path: StreamComponent) -> Bool {
        nominations.contains { checklists[$0]?.path == path } || checks.isNominating(path)
    }

    /// Until when the component's eager nomination is waited for; nil if there is none.
    func eagerHold(of path: StreamComponent, patience: Duration) -> Instant? {
        checks.eagerHold(of: path, patience: patience)
    }
}

/// The pairs that nominating requests were sent for, which the peer may have taken for chosen.
struct NominatedPairs {
    private var all: [(pair: PairID, path: StreamComponent)] = []

    mutating func insert(_ pair: PairID, of path: StreamComponent) {
        if !all.contains(where: { $0.pair == pair }) { all.append((pair, path)) }
    }

    /// Whether any other pair of the component is among them.
    func hasOthers(than pair: PairID, of path: StreamComponent) -> Bool {
        all.contains { $0.path == path && $0.pair != pair }
    }

    mutating func remove(_ paths: Set<StreamComponent>) { all.removeAll { paths.contains($0.path) } }

    mutating func keep(only pairs: Set<PairID>) { all.removeAll { !pairs.contains($0.pair) } }
}

/// Numbers the peer's nominating requests, so that the latest one counts; one that is repeated keeps its number.
struct NominationNumbers {
    private struct Nomination {
        let pair: PairID
        let request: STUNTransactionID
        let number: Int
    }

    private var recent: [Nomination] = []

    /// No more requests than this are repeated at a time.
    private static let limit = 16

    mutating func number(of request: STUNTransactionID, for pair: PairID) -> Int {
        if let known = recent.first(where: { $0.request == request }) { return known.number }
        let latest = Nomination(pair: pair, request: request, number: (recent.last?.number ?? 0) + 1)
        // Some peers nominate with every check, for as long as a call lasts: of these the first and the latest are remembered, as the first
        // is what is repeated where its answer is late.
        if recent.suffix(2).count(where: { $0.pair == pair }) == 2 { recent.removeLast() }
        if recent.count >= Self.limit { recent.removeFirst() }
        recent.append(latest)
        return latest.number
    }

    /// How many requests are remembered.
    var count: Int { recent.count }
}

/// One component of one stream: its nomination and the way its data goes.
struct ComponentState {
    let path: StreamComponent
    /// The way data goes, provisional until a pair is nominated (RFC 8445 §12.1).
    var selected: SelectedPath?
    /// The pair between relays that data goes over although the peer has not answered there yet.
    var presumed: PairID?
    /// The generation whose nomination has ended the component's checks, if one has (RFC 8445 §8.1.2).
    var concludedGeneration: Int?
    /// The number of the nomination that is in force.
    var nominationNumber = 0
    /// When it was last moved to a better pair.
    var movedAt: Instant?
}

/// The pair that carries a component's data, with the keys it was validated under, which outlive a restart.
///
/// One stands for each component that works, and is looked at with each packet: a class, so that none of these looks copies it.
final class SelectedPath {
    var pair: CandidatePair
    let id: PairID
    let generation: Int
    let keys: SessionKeys
    let socket: SocketID
    let destination: TransportAddress
    /// The PRIORITY of its consent checks.
    let checkPriority: UInt32
    /// Nil where the application trusts the path.
    var upkeep: PathUpkeep?
    /// Of a lite agent, which sends no checks and counts on the peer's.
    var peerChecks: PeerCheckMonitor?
    var nextKeepalive: Instant
    /// Since when the peer was silent as the server was last asked about the relay.
    var relayAskedSince: Instant?
    /// The pair that the peer has checked instead of this one, as it does when it has lost this one.
    var peerMovedTo: PairID?
    /// Since when the peer was silent as other ways were last looked for.
    var reopenedSince: Instant?
    /// When its connection was last lost and opened again; since when it is gone, where that is for the peer to do.
    var connectionLostAt: Instant?
    /// The pair as it was on the checklist that a restart has taken away, so that its counters go on.
    var retiredPair: Shared<CheckPair>?

    init(
        _ pair: CheckPair, in session: Session, upkeep: PathUpkeep?, peerChecks: PeerCheckMonitor?,
        nextKeepalive: Instant
    ) {
        self.pair = pair.description
        id = pair.id
        generation = session.generation
        keys = session.keys
        socket = pair.socket
        destination = pair.destination
        checkPriority = pair.local.checkPriority
        self.upkeep = upkeep
        self.peerChecks = peerChecks
        self.nextKeepalive = nextKeepalive
    }

    /// The same pair is selected once more, as when it is nominated: what is known of the peer stays.
    func begin(again pair: CandidatePair, nextKeepalive: Instant) {
        self.pair = pair
        self.nextKeepalive = nextKeepalive
        (relayAskedSince, peerMovedTo, reopenedSince, connectionLostAt, retiredPair) = (nil, nil, nil, nil, nil)
    }

    var deadline: Instant {
        if let peerChecks { return min(peerChecks.deadline, nextKeepalive) }
        return upkeep?.deadline ?? nextKeepalive
    }

    /// Since when its connection is gone, which the peer had opened.
    var disconnectedAt: Instant? { pair.local.transport == .tcp(.passive) ? connectionLostAt : nil }

    /// Whether the peer seems to be gone.
    var isSilent: Bool { peerChecks?.isSilent ?? upkeep?.liveness.isSilent ?? false }
}

/// What is known of the peer at the other end of a path.
struct PathUpkeep {
    var consent: ConsentMonitor
    var liveness: LivenessMonitor
    var roundTrip: Duration?

    var deadline: Instant { consent.deadline.map { min($0, liveness.deadline) } ?? liveness.deadline }
}
