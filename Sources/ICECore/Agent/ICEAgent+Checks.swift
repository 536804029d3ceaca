package import NetBase
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
        guard let path = session.checklists[id]?.path else { return false }
        var begun = 0
        for pair in session.checklists.pairs where pair.path == path {
            if pair.state == .inProgress || pair.state == .succeeded { begun += 1 }
        }
        return begun < 2
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

    mutating func sendCheck(on pair: CheckPair, for purpose: OutgoingCheck.Purpose, at now: Instant) {
        let nominates =
            purpose == .nomination || purpose == .confirmation || nominatesEagerly(pair, purpose, at: now)
        let request = CheckRequest(
            transactionID: STUNTransactionID(using: &generator), priority: pair.local.checkPriority, role: role,
            tieBreaker: tieBreaker, nominates: nominates,
            nominationNumber: nominates && canRenominate ? nextNominationNumber() : nil,
            network: pair.local.network)
        guard let message = request.message(keys: session.keys, stream: pair.path.stream) else { return }
        let transaction = STUNTransaction(
            request: message, key: session.keys.remoteKey(of: pair.path.stream), schedule: schedule(for: purpose),
            isReliable: pair.local.candidate.transport.isTCP, knownAttributes: .ice, at: now)
        session.checks.add(
            OutgoingCheck(
                transaction: transaction, purpose: purpose, pair: pair, role: role, priority: request.priority,
                nominates: request.nominates))
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
            mayBeRelayed: { !nominatesAggressively && session.mayBeRelayed($0) })
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
        for (check, _) in due.failures where check.isOutvoted { forget(outvoted: check) }
        for (check, _) in due.failures where check.purpose == .keepalive {
            session.checklists.update(check.pair) { $0.noteUnanswered() }
        }
        for (check, failure) in due.failures where !check.isCancelled && !isWorthRepeating(check) {
            fail(check, PairFailure(failure, to: check.destination), at: now)
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

    // MARK: Answers (RFC 8445 §7.2.5)

    mutating func receiveResponse(
        _ response: STUNMessage, from source: TransportAddress, on socket: SocketID, at now: Instant
    ) {
        if let (check, outcome) = session.checks.receive(response, at: now) {
            note(answer: outcome, to: check, from: source, at: now)
            take(outcome, of: check, response, from: source, on: socket, at: now)
        } else if let finding = gatherer.receive(
            response, from: source, on: socket, keepalive: keepaliveInterval, at: now, using: &generator)
        {
            // Until the peer has answered, the way to the server is all that is known of the network.
            if roundTrips.smoothed == nil, let sample = gatherer.roundTripTime { roundTrips.add(sample) }
            take(finding)
        } else if !receiveConsent(response, from: source, on: socket, at: now),
            !gatherer.isKeepaliveAnswer(response, from: source, on: socket)
        {
            counters.unmatched += 1
            trace(disregarded: response, from: source)
            noteRefusal(response, from: source, on: socket)
        }
    }

    /// A peer that knows other credentials has nothing to sign with. That it says so, check after check, fails nothing by itself.
    private mutating func noteRefusal(_ response: STUNMessage, from source: TransportAddress, on socket: SocketID) {
        guard response[STUNMessage.ErrorCode.self]?.code == 401 else { return }
        let id = response.transactionID
        let refused = session.checks.all.first {
            $0.transaction.transactionID == id && $0.destination == source && $0.socket == socket
        }
        if let refused { session.checklists.update(refused.pair) { $0.noteRefusal(of: id) } }
    }

    private mutating func take(
        _ outcome: STUNTransaction.Outcome, of check: OutgoingCheck, _ response: STUNMessage,
        from source: TransportAddress, on socket: SocketID, at now: Instant
    ) {
        // RFC 8445 §7.2.5.2.1: the answer must come back the way the request went.
        guard source == check.destination, socket == check.socket else {
            let origin = hidesLearned ? "another address" : "\(source)"
            let text = "the answer to a check for \(check.destination) came from \(origin)"
            fail(check, PairFailure(.asymmetric, text), at: now)
            return
        }
        if check.transaction.transmissions > 1 { session.sawLoss = true }
        switch outcome {
        case .success: succeed(check, response, at: now)
        case .error(let error) where error.code == STUNMessage.ErrorCode.roleConflict.code:
            resolveConflict(of: check, at: now)
        case .error(let error):
            fail(check, PairFailure(.errorResponse, "the peer answered \(error.code) \(error.reason)"), at: now)
        case .failed(let failure):
            fail(check, PairFailure(failure, to: check.destination), at: now)
        }
    }

    /// RFC 8445 §7.2.5.1: takes the role that the request did not claim, once, and checks the pair again.
    private mutating func resolveConflict(of check: OutgoingCheck, at now: Instant) {
        // A late answer to the role of before says nothing new.
        if role == check.role {
            changeRole(to: check.role.opposite)
            tieBreaker = TieBreaker(using: &generator)
            session.checklists.update(check.pair) { $0.noteConflict() }
        }
        guard let pair = session.checklists[check.pair], pair.conflicts <= Self.conflictLimit else {
            return fail(check, PairFailure(.roleConflict, "the peer claims whatever role this agent has"), at: now)
        }
        session.checklists.withList(check.pair.stream) { $0.trigger(check.pair) }
    }

    /// Two agents that keep to RFC 8445 §7.3.1.1 agree after one conflict, or a few if both change at the same time.
    private static let conflictLimit = 8

    /// RFC 8445 §7.2.5.3.
    private mutating func succeed(_ check: OutgoingCheck, _ response: STUNMessage, at now: Instant) {
        guard let pair = session.checklists[check.pair] else { return }
        guard let mapped = response[STUNMessage.XORMappedAddress.self]?.address.unmapped,
            mapped.family == pair.destination.family
        else {
            fail(check, PairFailure(.errorResponse, "the answer does not say where the request came from"), at: now)
            return
        }
        let local = validLocal(mapped, of: pair, check)
        let sample = check.transaction.roundTripTime(at: now)
        if let sample { note(roundTrip: sample, on: pair.id) }
        if pair.isRelayed { checkDirectPairsAgain(for: pair.path) }
        let priority = CandidatePair.priority(local: local.priority, remote: pair.remote.priority, role: role)
        session.checklists.update(pair.id) {
            $0.succeed(as: CheckPair.Valid(local: local, priority: priority, confirmedAt: now), roundTripTime: sample)
        }
        session.checklists.withList(pair.id.stream) { $0.dequeue(pair.id) }
        session.checks.cancel(pair.id)
        session.checklists.thaw(pair.foundation)
        session.checklists.thaw(like: pair)
        admit(pair.destination, on: pair.socket)
        if check.nominates, role == .controlling {
            takeAnswer(toNominationBy: check, at: now)
        } else if pair.pendingNomination != nil, role == .controlled {
            nominate(pair.id, at: now)
        }
        selectProvisionally(for: pair.path, at: now)
        reviewPath(of: pair.path, at: now)
        keepBackups(of: pair.path, at: now)
    }

    /// When a relay works first, the peer's checks have been under way for as long: what its NAT or ours dropped before the other side had
    /// sent anything may pass now, and would else be repeated only after the relay was chosen. Those that were never sent go first: their
    /// packets let the peer's in.
    private mutating func checkDirectPairsAgain(for path: StreamComponent) {
        guard !isConcluded(path),
            !session.checklists.pairs.contains(where: { $0.path == path && $0.valid != nil && $0.isRelayed })
        else { return }
        let direct = pairs.filter { $0.path == path && !$0.isRelayed }
        for pair in direct.filter({ $0.state == .waiting }) + direct.filter({ $0.state == .inProgress }) {
            session.checks.cancel(pair.id)
            session.checklists.withList(path.stream) { $0.trigger(pair.id) }
        }
    }

    /// RFC 8445 §7.2.5.3.1: the local candidate that the peer saw, learned as a peer-reflexive one if it is new.
    private mutating func validLocal(_ mapped: TransportAddress, of pair: CheckPair, _ check: OutgoingCheck)
        -> Candidate
    {
        let known = localCandidates.candidate(on: pair.socket, at: mapped)
        return known?.candidate
            ?? localCandidates.addPeerReflexive(mapped, on: pair.socket, priority: check.priority)?.candidate
            ?? pair.local.candidate
    }

    // MARK: Failures (RFC 8445 §7.2.5.2)

    mutating func fail(_ check: OutgoingCheck, _ failure: PairFailure, at now: Instant) {
        guard let pair = session.checklists[check.pair] else { return }
        if check.isOutvoted { return forget(outvoted: check) }
        // A pair that already works is failed only by the check that was to choose it, or to see that it still does.
        let mayFail = check.purpose == .nomination || check.purpose == .keepalive
        guard pair.state != .succeeded || mayFail else { return }
        let failure = shown(failure, on: pair)
        let inUse = components.firstIndex {
            $0.selected?.id == pair.id && $0.selected?.generation == session.generation
        }
        if let inUse {
            losePath(ofComponentAt: inUse, failure, ICEFailure(.checksFailed, failure.message), at: now)
        } else {
            fail(pair, failure)
        }
    }

    mutating func fail(_ pair: CheckPair, _ failure: PairFailure) {
        session.checks.removeAll { $0.pair == pair.id }
        session.nominations.removeAll { $0 == pair.id }
        session.checklists.withList(pair.id.stream) { $0.dequeue(pair.id) }
        session.checklists.update(pair.id) { $0.fail() }
        stopPresuming(pair.id)
        disconnect(failed: pair)
        tell(.pairFailed(pair.description, shown(failure, on: pair)))
    }

    /// The system could not send, or an ICMP error came back (RFC 8445 §7.2.5.2.2).
    ///
    /// - Parameter isLocal: Whether the system itself refused to send. What comes from the network may be a NAT that does not know the
    ///   peer yet, or a forgery: it counts only once requests have been repeated, and never against a pair in use.
    package mutating func unreachable(
        _ destination: TransportAddress, from socket: SocketID, _ error: NetworkError, isLocal: Bool, now: Instant
    ) {
        // A report that a datagram was too large says that the way is there.
        guard state != .closed, error.code != .messageTooLarge else { return }
        if let finding = gatherer.unreachable(destination, from: socket, error) { take(finding) }
        let affected = session.checks.all.filter {
            $0.socket == socket && $0.destination == destination && !$0.isCancelled
                && (isLocal || $0.transaction.transmissions >= Self.transmissionsBeforeICMPCounts)
        }
        for check in affected where session.checklists[check.pair]?.state == .inProgress {
            fail(check, PairFailure(error), at: now)
        }
        settle(at: now)
    }

    private static let transmissionsBeforeICMPCounts = 3
}

extension LocalCandidate {
    /// RFC 8445 §7.1.1: the priority that the candidate would have as a peer-reflexive one.
    var checkPriority: UInt32 {
        Candidate.priority(
            kind: .peerReflexive, over: candidate.transport, localPreference: localPreference,
            component: candidate.component)
    }
}

extension PairFailure {
    init(_ failure: TransactionFailure, to destination: TransportAddress) {
        switch failure {
        case .timeout: self.init(.timeout, "no answer from \(destination)")
        case .integrityViolation:
            self.init(
                .integrity,
                "answers from \(destination) were not signed with the peer's password; compare the credentials")
        case .unknownAttributes, .malformedResponse:
            self.init(.errorResponse, "the answer from \(destination) can't be understood")
        }
    }
}
