import NetBase
import STUN

/// A check on its way: the transaction, and what its answer will mean (RFC 8445 §7.2).
struct OutgoingCheck {
    /// Why it was sent.
    enum Purpose: Hashable {
        /// To learn whether a pair works.
        case connectivity
        /// To choose a pair that is known to work (RFC 8445 §8.1.1).
        case nomination
        /// To tell the peer once more which pair was chosen, where others were nominated too.
        case confirmation
        /// To see that a backup pair still works.
        case keepalive
    }

    var transaction: STUNTransaction
    let purpose: Purpose
    let pair: PairID
    /// The component that the pair is for.
    let path: StreamComponent
    let socket: SocketID
    let destination: TransportAddress
    /// The role it claimed.
    let role: Role
    /// The PRIORITY it carried.
    let priority: UInt32
    /// Whether it carried USE-CANDIDATE.
    let nominates: Bool
    /// Cancelled by a triggered check: its answer still counts, its silence does not (RFC 8445 §7.3.1.4).
    private(set) var isCancelled = false

    /// Another pair was chosen while this check, which nominates too, was on its way: its answer says that the peer has heard of it.
    private(set) var isOutvoted = false

    /// Whether it goes over TCP.
    let isReliable: Bool

    /// Over TCP, how long its answer is waited for before a fresh check follows; nil where none does.
    let patience: Duration?

    /// Over TCP, when it went out on a connection that is up.
    private(set) var handedOverAt: Instant?

    /// When a fresh check is to follow.
    var freshCheckDue: Instant? {
        guard !isCancelled, let patience, let handedOverAt else { return nil }
        return handedOverAt + patience
    }

    /// When it goes out once more, over another connection; nil unless the one before it was closed.
    fileprivate(set) var reopening: Instant?
    private var reopeningCount = 0

    /// Whether it nominates as a first check, as `.eager` has it.
    var nominatesEagerly: Bool { nominates && purpose == .connectivity }

    init(
        transaction: STUNTransaction, purpose: Purpose, pair: CheckPair, role: Role, priority: UInt32, nominates: Bool,
        patience: Duration? = nil
    ) {
        self.transaction = transaction
        self.purpose = purpose
        self.pair = pair.id
        path = pair.path
        socket = pair.socket
        destination = pair.destination
        self.role = role
        self.priority = priority
        self.nominates = nominates
        isReliable = pair.local.candidate.transport.isTCP
        self.patience = patience
    }

    fileprivate mutating func noteHandedOver(at now: Instant) { handedOverAt = handedOverAt ?? now }

    mutating func cancel() {
        transaction.stopRetransmitting()
        reopening = nil
        isCancelled = true
    }

    /// Who was let in nowhere yet is not to knock without pause: the waits double.
    fileprivate mutating func reopen(at now: Instant) {
        handedOverAt = nil
        reopening = now + Self.firstReopeningDelay * (1 << min(reopeningCount, 6))
        reopeningCount += 1
    }

    private static let firstReopeningDelay = Duration.milliseconds(250)

    fileprivate mutating func outvote() {
        cancel()
        isOutvoted = true
    }
}

/// The checks of a session that wait for an answer.
struct OutgoingChecks {
    private(set) var all: [OutgoingCheck] = []

    /// Cancelled checks are kept up to this many, oldest given up first, so that a peer that triggers without end costs nothing.
    private static let cancelledLimit = 200

    var deadline: Instant? {
        var first = Earliest()
        let all = all.span
        for index in all.indices {
            switch all[index].transaction.state {
            case .repeating(let end), .waiting(let end): first.note(end)
            case .finished: break
            }
            // Only over TCP.
            guard all[index].isReliable else { continue }
            first.note(all[index].freshCheckDue)
            first.note(all[index].reopening)
        }
        return first.instant
    }

    mutating func add(_ check: OutgoingCheck) {
        all.append(check)
    }

    /// Whether any check of a pair waits for its answer, but for those that another one has taken the place of.
    func isUnderWay(on pair: PairID) -> Bool {
        let all = all.span
        for index in all.indices where all[index].pair == pair && !all[index].isCancelled { return true }
        return false
    }

    /// Whether a check that was sent to nominate a pair of the component waits for its answer.
    func isNominating(_ path: StreamComponent) -> Bool {
        let all = all.span
        for index in all.indices {
            if all[index].path == path, all[index].purpose == .nomination, !all[index].isOutvoted { return true }
        }
        return false
    }

    /// Until when first checks of the component that nominate as well, as `.eager` has them, are waited for; nil if there are none.
    func eagerHold(of path: StreamComponent, patience: Duration) -> Instant? {
        all.filter { $0.path == path && $0.nominatesEagerly && !$0.isCancelled }
            .map { $0.transaction.firstSentAt + patience }.max()
    }

    /// What was sent to an address over TCP is on its way.
    mutating func noteHandedOver(to destination: TransportAddress, from socket: SocketID, at now: Instant) {
        for index in all.indices where all[index].destination == destination && all[index].socket == socket {
            all[index].noteHandedOver(at: now)
        }
    }

    /// Has first checks go out again after a while, as long as their transactions last: what they were sent over is gone.
    mutating func reopen(at now: Instant, where shouldReopen: (OutgoingCheck) -> Bool) {
        for index in all.indices where !all[index].isCancelled && all[index].purpose == .connectivity {
            if shouldReopen(all[index]) { all[index].reopen(at: now) }
        }
    }

    /// RFC 8445 §7.3.1.4: stops the retransmissions of a pair's checks.
    mutating func cancel(_ pair: PairID) {
        for index in all.indices where all[index].pair == pair && all[index].purpose == .connectivity {
            all[index].cancel()
        }
        guard all.count > Self.cancelledLimit, all.lazy.filter(\.isCancelled).count > Self.cancelledLimit,
            let oldest = all.firstIndex(where: \.isCancelled)
        else { return }
        all.remove(at: oldest)
    }

    /// Stops the checks that nominate and lost against a pair of their component; says whether there were any.
    mutating func outvote(rivalsOf pair: PairID, on path: StreamComponent) -> Bool {
        let rivals = all.indices.filter { all[$0].nominates && all[$0].path == path && all[$0].pair != pair }
        for index in rivals { all[index].outvote() }
        return !rivals.isEmpty
    }

    mutating func removeAll(where shouldGo: (OutgoingCheck) -> Bool) {
        all.removeAll(where: shouldGo)
        giveRoomBack()
    }

    /// An idle session has no checks under way for as long as it lasts.
    private mutating func giveRoomBack() {
        if all.isEmpty { all = [] }
    }

    /// Takes the answer to a check; nil when it is nobody's, or not to be trusted.
    mutating func receive(_ response: STUNMessage, at now: Instant) -> (OutgoingCheck, STUNTransaction.Outcome)? {
        guard let index = all.firstIndex(where: { $0.transaction.transactionID == response.transactionID }),
            let outcome = all[index].transaction.receive(response, at: now)
        else { return nil }
        defer { giveRoomBack() }
        return (all.remove(at: index), outcome)
    }

    /// What became due.
    struct Due {
        /// Checks to send again.
        var retransmissions: [OutgoingCheck] = []
        /// Checks over TCP that a fresh one is to follow; their own answers count still.
        var unanswered: [OutgoingCheck] = []
        /// Checks whose time is over.
        var failures: [(OutgoingCheck, TransactionFailure)] = []
    }

    mutating func advance(to now: Instant) -> Due {
        var due = Due()
        var index = 0
        while index < all.count {
            if let reopening = all[index].reopening, reopening <= now {
                all[index].reopening = nil
                due.retransmissions.append(all[index])
            }
            switch all[index].transaction.advance(to: now) {
            case .retransmit:
                due.retransmissions.append(all[index])
            case .failed(let failure):
                due.failures.append((all.remove(at: index), failure))
            case nil:
                if let follows = all[index].freshCheckDue, follows <= now {
                    due.unanswered.append(all[index])
                    all[index].cancel()
                }
                index += 1
            }
        }
        if !due.failures.isEmpty { giveRoomBack() }
        return due
    }
}
