import NetBase
import STUN

extension ICEAgent {
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
            fail(check, PairFailure(failure, of: check), at: now)
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
        // Over TCP nothing was dropped for good: what opens a connection is sent again by the system.
        let direct = pairs.filter { pair in
            pair.path == path && !pair.isRelayed && !(pair.opensConnection && pair.state == .inProgress)
        }
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
}
