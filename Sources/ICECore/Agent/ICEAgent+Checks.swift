import NetBase
import STUN

extension ICEAgent {
    // MARK: Sending (RFC 8445 §6.1.4.2, §7.2)

    /// What has a claim to the next slot.
    private enum Work {
        case nominate(PairID)
        case check(ChecklistSet.Next)
        case gather
        case relay
    }

    /// Starts as many transactions as the pacing allows now.
    mutating func pump(at now: Instant) {
        pacingDeadline = nil
        while let work = nextWork() {
            let urgent = isUrgent(work)
            guard pacer.claim(urgent: urgent, at: now) else {
                pacingDeadline = pacer.earliestStart(urgent: urgent)
                return
            }
            perform(work, at: now)
        }
    }

    private mutating func nextWork() -> Work? {
        let checks = nextCheck()
        if let checks, isUrgent(checks) { return checks }
        // Neither ordinary checks nor gathering may starve the other.
        guard gatheringIsNext || checks == nil else { return checks }
        // A relay takes two round trips, so that it is asked for first.
        if gatherer.hasQueuedRelays { return .relay }
        return gatherer.hasQueued ? .gather : checks
    }

    private mutating func nextCheck() -> Work? {
        guard isChecking, !isLite, state != .failed, session.hasRemote else { return nil }
        if let id = session.nominations.first { return .nominate(id) }
        return session.checklists.next().map(Work.check)
    }

    /// Triggered and nominating checks, and the first checks of a component, do not wait for slots that nobody used.
    private func isUrgent(_ work: Work) -> Bool {
        switch work {
        case .nominate: true
        case .gather, .relay: false
        case .check(let next): next.isTriggered || isAmongFirst(next.pair)
        }
    }

    /// The peer's NAT or ours lets nothing in before a packet has gone out: behind NATs the second pair, of the mapped addresses, is the one
    /// that works, and the peer's first check over it gets through only if ours is on its way by then.
    private func isAmongFirst(_ id: PairID) -> Bool {
        guard let path = session.checklists.read(id, { $0.path }) else { return false }
        let lists = session.checklists
        return lists.count(of: path, in: .inProgress) + lists.count(of: path, in: .succeeded) < 2
    }

    private mutating func perform(_ work: Work, at now: Instant) {
        switch work {
        case .nominate(let id):
            session.nominations.removeAll { $0 == id }
            if session.nominations.isEmpty { session.nominations = [] }
            guard let pair = session.checklists[id] else { break }
            let isChosen = chosenPair(of: pair.path)?.id == id
            sendCheck(on: pair, for: isChosen ? .confirmation : .nomination, at: now)
        case .check(let next):
            session.checklists.begin(next, at: now)
            if let pair = session.checklists[next.pair] { sendCheck(on: pair, for: .connectivity, at: now) }
            gatheringIsNext = true
        case .relay:
            gatheringIsNext = false
            beginRelay()
        case .gather:
            gatheringIsNext = false
            let query = gatherer.beginNext(
                transactionID: STUNTransactionID(using: &generator), interval: pacer.interval,
                pacing: configuration.pacing, at: now)
            if let query, case .asking(let transaction) = query.state {
                let bytes = transaction.request.bytes
                emit(
                    query.isOverTCP
                        ? .ask(bytes, from: query.socket, server: query.server)
                        : .send(bytes, from: query.socket, to: query.server))
            }
        }
    }

    /// - Parameter former: The check that it is sent beside, where that is not answered; it has no more time than that.
    mutating func sendCheck(
        on pair: CheckPair, for purpose: OutgoingCheck.Purpose, after former: OutgoingCheck? = nil, at now: Instant
    ) {
        let nominates =
            purpose == .nomination || purpose == .confirmation || nominatesEagerly(pair, purpose, at: now)
        let request = CheckRequest(
            transactionID: STUNTransactionID(using: &generator), priority: pair.local.checkPriority, role: role,
            tieBreaker: tieBreaker, nominates: nominates,
            nominationNumber: nominates && canRenominate ? nextNominationNumber() : nil,
            network: pair.local.network)
        guard let message = request.message(keys: session.keys, stream: pair.path.stream) else { return }
        var schedule = schedule(for: purpose)
        if let end = former?.transaction.deadline { schedule.reliableTimeout = end - now }
        let transaction = STUNTransaction(
            request: message, key: session.keys.remoteKey(of: pair.path.stream), schedule: schedule,
            isReliable: pair.local.candidate.transport.isTCP, knownAttributes: .ice, at: now)
        session.checks.add(
            OutgoingCheck(
                transaction: transaction, purpose: purpose, pair: pair, role: role, priority: request.priority,
                nominates: request.nominates, patience: patience(with: pair, purpose, after: former)))
        note(sent: request, for: purpose, on: pair)
        if request.nominates { session.nominated.insert(pair.id, of: pair.path) }
        emit(.send(message.bytes, from: pair.socket, to: pair.destination))
        presumeWritable(pair)
    }

    mutating func nextNominationNumber() -> UInt32 {
        session.sentNominations += 1
        return session.sentNominations
    }

    private func nominatesEagerly(_ pair: CheckPair, _ purpose: OutgoingCheck.Purpose, at now: Instant) -> Bool {
        guard nomination == .eager, role == .controlling, purpose == .connectivity,
            !isConcluded(pair.path), !session.isNominating(pair.path),
            (session.eagerHold(of: pair.path, patience: Nominator.leastHold) ?? now) <= now
        else { return false }
        return Nominator.mayNominateEagerly(
            pair, among: session.checklists.pairs.filter { $0.path == pair.path }, at: now,
            mayBeRelayed: { !nominatesAggressively && session.remoteCandidates.mayBeRelayed($0) })
    }

    /// A nomination goes over a pair that works: when a few requests are lost in a row, another pair or a fresh request soon does better
    /// than ever longer waiting.
    private func schedule(for purpose: OutgoingCheck.Purpose) -> RetransmissionSchedule {
        var schedule = checkSchedule
        switch purpose {
        case .connectivity, .confirmation: break
        case .nomination: (schedule.requestLimit, schedule.finalWaitFactor) = (3, 2)
        // What stands by has to be known dead before it is needed.
        case .keepalive: (schedule.requestLimit, schedule.finalWaitFactor) = (5, 4)
        }
        // Over TCP, which repeats by itself (RFC 6544 §7.1), an answer gets as much time, and no less than TCP needs.
        schedule.reliableTimeout = max(schedule.timeout, Self.leastReliableTimeout)
        return schedule
    }

    /// RFC 6298 §2: what opens a connection is repeated after 1 s, and again after 2 s.
    private static let leastReliableTimeout = Duration.seconds(4)

    /// RFC 8445 §14.3: "RTO = MAX (500ms, Ta*N * (Num-Waiting + Num-In-Progress))"; the faster profiles go by measured round trips.
    private var checkSchedule: RetransmissionSchedule {
        if configuration.pacing.measuredTimeoutFloor != nil {
            return configuration.pacing.schedule(roundTrips.retransmissionTimeout)
        }
        let active = session.checklists.pairs.filter { $0.state == .waiting || $0.state == .inProgress }.count
        let paced = pacer.interval * session.checklists.lists.count * active
        return configuration.pacing.schedule(max(configuration.pacing.initialRetransmissionTimeout, paced))
    }

    mutating func advanceChecks(to now: Instant) {
        let due = session.checks.advance(to: now)
        for check in due.retransmissions {
            note(repeated: check)
            if check.purpose == .keepalive { session.checklists.update(check.pair) { $0.noteUnanswered() } }
            emit(.send(check.transaction.request.bytes, from: check.socket, to: check.destination))
        }
        for check in due.unanswered {
            guard let pair = session.checklists[check.pair], pair.state == .inProgress else { continue }
            sendCheck(on: pair, for: check.purpose, after: check, at: now)
        }
        for (check, _) in due.failures where check.isOutvoted { forget(outvoted: check) }
        for (check, _) in due.failures where check.purpose == .keepalive {
            session.checklists.update(check.pair) { $0.noteUnanswered() }
        }
        for (check, failure) in due.failures where !check.isCancelled && !isWorthRepeating(check) {
            fail(check, PairFailure(failure, of: check), at: now)
        }
    }

    /// A nomination that got lost is tried again rather than the only pair that works be given up: RFC 8445 §7.2.5.3.4 would fail the
    /// whole checklist here, and whether the pair is dead is for consent to find out.
    private func isWorthRepeating(_ check: OutgoingCheck) -> Bool {
        guard check.purpose == .nomination, let pair = session.checklists[check.pair], pair.valid != nil else {
            return false
        }
        return !session.checklists.pairs.contains { $0.path == pair.path && $0.id != pair.id && $0.valid != nil }
    }
}

extension LocalCandidate {
    /// RFC 8445 §7.1.1: the priority that the candidate would have as a peer-reflexive one.
    var checkPriority: UInt32 {
        Candidate.priority(
            kind: .peerReflexive, over: candidate.transport, localPreference: localPreference,
            component: candidate.component)
    }
}
