package import NetBase
import STUN

/// Names a pair for as long as it exists; never used again.
package struct PairID: Hashable, Sendable {
    /// The checklist it is on.
    package let stream: StreamID
    let serial: Int
    /// The generation of credentials that it was made in (RFC 8445 §9).
    var generation = 0
}

/// The foundations of both candidates of a pair: what is frozen and thawed together (RFC 8445 §6.1.2.6).
package struct PairFoundation: Hashable, Sendable {
    let local: Candidate.Foundation
    let remote: Candidate.Foundation
}

/// A candidate pair on a checklist, from its first place in the queue to its end (RFC 8445 §6.1.2).
///
/// ```
///            thaw              begin               succeed
///   Frozen ────────▶ Waiting ────────▶ InProgress ────────▶ Succeeded
///      │                ▲ ▲                │                    │
///      └────trigger─────┘ └────trigger─────┤                    │
///                         ▲                │ fail               │ fail (nomination, keepalive)
///                         └────trigger── Failed ◀───────────────┘
/// ```
package struct CheckPair: Sendable {
    /// RFC 8445 §6.1.2.6.
    package enum State: Hashable, Sendable {
        case frozen, waiting, inProgress, succeeded, failed
    }

    /// What a successful check found: data can flow (RFC 8445 §7.2.5.3.2).
    package struct Valid: Sendable {
        /// The candidate whose address the peer saw, which may not be the one that was checked.
        var local: Candidate
        /// The valid pair's own priority.
        var priority: UInt64
        /// When it was last seen to work.
        var confirmedAt: Instant
    }

    package let id: PairID
    package let path: StreamComponent
    package let socket: SocketID
    /// The local candidate, whose base sends the checks.
    package let local: LocalCandidate
    package private(set) var remote: Candidate
    /// The remote address in the scope of the local interface, as the socket needs it.
    package let destination: TransportAddress
    package private(set) var priority: UInt64
    package private(set) var state: State
    package private(set) var valid: Valid?
    package private(set) var isNominated = false
    /// The number of the peer's nominating request that waits for this pair to succeed, if there is one (RFC 8445 §7.3.1.5).
    package var pendingNomination: Int?
    /// When its first check was sent since it was last triggered.
    package private(set) var startedAt: Instant?
    package private(set) var roundTripTime: Duration?
    private(set) var quality = PathQuality()
    /// How often the peer answered 487.
    private(set) var conflicts = 0
    private var refusals = 0
    private var refused: STUNTransactionID?
    /// Whether the peer answers that it knows other credentials, so that its own checks are no reason to check the pair again.
    var isRefused: Bool { refusals >= 3 }
    /// RFC 7675 §5.1: "After consent is lost, the same ICE credentials MUST NOT be used on the affected 5-tuple again."
    private(set) var hasLostConsent = false
    /// What went over it, for statistics.
    package internal(set) var counters = PairCounters()

    init(id: PairID, local: LocalCandidate, remote: Candidate, role: Role, state: State) {
        self.id = id
        path = local.candidate.path
        socket = local.socket
        self.local = local
        self.remote = remote
        destination = remote.address.scoped(like: local.base)
        priority = CandidatePair.priority(local: local.candidate.priority, remote: remote.priority, role: role)
        self.state = state
    }

    /// Both foundations.
    package var foundation: PairFoundation {
        PairFoundation(local: local.candidate.foundation, remote: remote.foundation)
    }

    /// Whether either end is a relay, which a direct pair is preferred to.
    package var isRelayed: Bool { local.candidate.kind == .relayed || remote.kind == .relayed }

    /// Whether its first check connects to the peer.
    var opensConnection: Bool {
        switch local.candidate.transport {
        case .udp, .tcp(.passive): false
        case .tcp(.active), .tcp(.simultaneousOpen): true
        }
    }

    /// Whether the pair may still come to work by itself.
    package var isPending: Bool { state != .succeeded && state != .failed }

    /// The pair as applications see it: with the valid local candidate once there is one.
    package var description: CandidatePair {
        CandidatePair(
            path: path, local: valid?.local ?? local.candidate, remote: remote, priority: valid?.priority ?? priority,
            isNominated: isNominated, pairID: id)
    }

    // MARK: Moves

    mutating func thaw() {
        if state == .frozen { state = .waiting }
    }

    /// RFC 8445 §7.3.1.4: every state but Succeeded goes to Waiting.
    mutating func trigger() {
        if state != .succeeded { state = .waiting }
    }

    mutating func begin(at now: Instant) {
        if state == .waiting {
            state = .inProgress
            startedAt = now
        }
    }

    mutating func succeed(as found: Valid, roundTripTime sample: Duration?) {
        refusals = 0
        state = .succeeded
        valid = found
        quality.answered(after: sample)
        if let sample { roundTripTime = sample }
    }

    mutating func confirm(at now: Instant, roundTripTime sample: Duration?) {
        valid?.confirmedAt = now
        quality.answered(after: sample)
        if let sample { roundTripTime = sample }
    }

    /// A request to see whether it still works went unanswered.
    mutating func noteUnanswered() { quality.unanswered() }

    mutating func noteConflict() { conflicts += 1 }

    mutating func noteRefusal(of transaction: STUNTransactionID) {
        guard transaction != refused else { return }
        refused = transaction
        refusals += 1
    }

    mutating func fail() {
        state = .failed
        valid = nil
        isNominated = false
        pendingNomination = nil
    }

    mutating func loseConsent() {
        fail()
        hasLostConsent = true
    }

    mutating func nominate() {
        isNominated = valid != nil
        pendingNomination = nil
    }

    /// Another pair of the component was nominated.
    mutating func yield() { isNominated = false }

    // MARK: What may change besides

    /// RFC 8445 §7.2.5.1: "an agent […] MUST recompute the pair priorities" when its role changed.
    mutating func changeRole(to role: Role) {
        priority = CandidatePair.priority(local: local.candidate.priority, remote: remote.priority, role: role)
        if let found = valid {
            valid?.priority = CandidatePair.priority(local: found.local.priority, remote: remote.priority, role: role)
        }
    }

    /// RFC 8838 §11.4: a signalled candidate that was known as a peer-reflexive one takes its place; the priority stays.
    mutating func adopt(signalled candidate: Candidate) {
        remote = candidate
    }
}

extension TransportAddress {
    /// A link-local address is only reachable in the scope of an interface.
    func scoped(like base: TransportAddress) -> TransportAddress {
        ip.family == .v6 && ip.isLinkLocal ? TransportAddress(ip.scoped(to: base.ip.scopeID), port: port) : self
    }
}
