package import NetBase
import STUN

extension ICEAgent {
    /// Takes a datagram that looks like STUN; everything else never comes here.
    ///
    /// - Parameter hasMore: Whether others have arrived with it: then ``settle(at:)`` is owed once the last of them is taken, so that a
    ///   check that came together with the answer to our own needs no other one of ours.
    package mutating func receive(
        _ bytes: Span<UInt8>, from source: TransportAddress, on socket: SocketID, now: Instant, hasMore: Bool = false
    ) {
        hasCrossed = false
        let isTaken = take(bytes, from: source, on: socket, at: now)
        isUnsettled = isUnsettled || isTaken
        if isUnsettled, !hasMore { settleSoon(at: now) }
    }

    /// A check of the peer's that has crossed one of ours waits until what has arrived is received: our answer may be among it, and then no
    /// other check is needed.
    private mutating func settleSoon(at now: Instant) {
        if hasCrossed { pacingDeadline = now } else { settle(at: now) }
    }

    /// - Returns: Whether anything may follow from it.
    private mutating func take(
        _ bytes: Span<UInt8>, from source: TransportAddress, on socket: SocketID, at now: Instant
    ) -> Bool {
        guard state != .closed, let path = sockets.first(where: { $0.id == socket })?.path else { return false }
        do {
            switch STUNMessage.messageClass(of: bytes) {
            case .success, .failure:
                receiveResponse(try STUNMessage(parsing: bytes), from: source, on: socket, at: now)
            case .request: receiveRequest(try CheckView(parsing: bytes), bytes, from: source, on: socket, path, at: now)
            // A keepalive has done its work by arriving (RFC 8445 §11).
            case .indication, nil: _ = try CheckView(parsing: bytes)
            }
            return true
        } catch {
            counters.malformed += 1
            return false
        }
    }

    // MARK: Requests (RFC 8445 §7.3)

    /// The request is read where it lies; what the peer's consent checks cost is mostly spent here.
    private mutating func receiveRequest(
        _ request: CheckView, _ bytes: Span<UInt8>, from source: TransportAddress, on socket: SocketID,
        _ path: StreamComponent, at now: Instant
    ) {
        // What has failed is over until a restart: an answer would let the peer take it for alive.
        guard !isGivenUp(path) else { return }
        // Of an address that the peer is not told of, nobody is to see that it is there.
        guard mayAnswer(on: socket) else { return }
        switch session.keys.authenticator.judge(request, in: bytes) {
        case .accepted(let algorithm):
            guard
                let check = IncomingCheck(
                    request, in: bytes, from: source, on: socket, path: path, integrity: algorithm)
            else {
                refuse(request, .badRequest, algorithm, to: source, on: socket)
                return
            }
            trace(received: check)
            if asksAboutChecks { emit(.askApplication(check)) } else { answerAndAct(on: check, at: now) }
        case .reply(let response, let code):
            if code == 401, answerRetired(request, bytes, from: source, on: socket, at: now) { return }
            if code != STUNMessage.ErrorCode.unknownAttribute.code { counters.unauthenticated += 1 }
            trace(answerTo: request, to: source, from: socket, code: code)
            emit(.send(response.bytes, from: socket, to: source))
        case .discard:
            counters.unauthenticated += 1
        }
    }

    /// The application's word on a check that it was asked about; a refused one is dropped without a sound.
    package mutating func answer(_ check: IncomingCheck, accept: Bool, now: Instant) {
        guard accept, state != .closed else { return }
        hasCrossed = false
        answerAndAct(on: check, at: now)
        settleSoon(at: now)
    }

    /// While a pair from before the restart is in use, the peer's consent checks for it are answered, and mean nothing else.
    ///
    /// Those alone: a peer that has restarted may pair its new candidates with ours of before until it has our answer, as Chromium does.
    /// If such a check, of its new username fragment and our old one, were answered, it would go on with that pair, which is none here.
    private mutating func answerRetired(
        _ request: CheckView, _ bytes: Span<UInt8>, from source: TransportAddress, on socket: SocketID, at now: Instant
    ) -> Bool {
        let fragment = request.remoteUsernameFragment(in: bytes)
        var retired: (keys: SessionKeys, algorithm: IntegrityAlgorithm)?
        for path in components.lazy.compactMap(\.selected) where path.generation != session.generation {
            guard case .accepted(let algorithm) = path.keys.authenticator.judge(request, in: bytes),
                path.keys.remoteFragment(of: path.pair.path.stream) == fragment
            else { continue }
            retired = (path.keys, algorithm)
            break
        }
        guard let (keys, algorithm) = retired else { return false }
        noteCheck(on: socket, from: source, at: now)
        note(retiredAnswerTo: request, to: source, from: socket)
        emit(.send(keys.responder.answer(to: request, from: source.unscoped, algorithm), from: socket, to: source))
        return true
    }

    private mutating func refuse(
        _ request: CheckView, _ error: STUNMessage.ErrorCode, _ algorithm: IntegrityAlgorithm,
        to source: TransportAddress, on socket: SocketID
    ) {
        trace(answerTo: request, to: source, from: socket, code: error.code)
        var response = STUNMessage.errorResponse(to: request, error)
        session.keys.authenticator.seal(&response, algorithm, for: request)
        emit(.send(response.bytes, from: socket, to: source))
    }

    private mutating func answerAndAct(on check: IncomingCheck, at now: Instant) {
        // At the end: the check may have made its pair.
        defer { countAnswer(to: check) }
        // A check that names another session of the peer's is answered and has no say in anything.
        let isPeers = session.isPeers(check) ?? true
        guard !isPeers || settleRole(of: check) else {
            refuse(check.request, .roleConflict, check.integrity, to: check.source, on: check.socket)
            checkAgain(afterConflictIn: check)
            return
        }
        let response = session.keys.responder.answer(
            to: check.request, from: check.source.unscoped, check.integrity)
        trace(answerTo: check.request, to: check.source, from: check.socket)
        emit(.send(response, from: check.socket, to: check.source))

        takeForPeer(senderOf: check, at: now)
        if !session.hasRemote {
            // It knows our password: what it sends next may be the application's, which the peer's signalling has yet to explain.
            if session.early.remember(check) { admit(check.source, on: check.socket) }
        } else if isPeers {
            act(on: check, at: now)
        }
    }

    /// Agents that change their role may drop what they got while they had the other one: libjuice does. Our check comes behind
    /// the 487, once for each pair.
    private mutating func checkAgain(afterConflictIn check: IncomingCheck) {
        let list = session.checklists[check.path.stream]
        guard let pair = list?.pair(from: check.socket, to: check.source.unscoped), pair.state == .inProgress,
            pair.conflicts == 0
        else { return }
        session.checks.cancel(pair.id)
        session.checklists.withList(pair.id.stream) {
            $0.update(pair.id) { $0.noteConflict() }
            $0.trigger(pair.id)
        }
    }

    /// RFC 8445 §7.3.1.1: false if the sender has to change its role.
    private mutating func settleRole(of check: IncomingCheck) -> Bool {
        guard let claimed = check.claimed else { return true }
        if isLite { return settleLiteRole(claimed: claimed.role) }
        switch RoleVerdict(
            own: role, tieBreaker: tieBreaker, claimed: claimed.role, claimedTieBreaker: claimed.tieBreaker)
        {
        case .noConflict: return true
        case .senderMustSwitch: return false
        case .switchRole:
            changeRole(to: role.opposite)
            return true
        }
    }

    mutating func changeRole(to newRole: Role) {
        role = newRole
        trace(.roleChange(to: newRole))
        session.nominations = []
        session.checklists.changeRole(to: newRole)
    }

    // MARK: What an authenticated check leads to (RFC 8445 §7.3.1.3 to §7.3.1.5)

    mutating func act(on check: IncomingCheck, at now: Instant) {
        guard components.contains(where: { $0.path == check.path }) else { return }
        let address = check.source.unscoped
        let transport = transport(ofPeerOn: check.socket)
        let known = session.remoteCandidates.candidate(of: check.path, at: address, over: transport)
        let learned =
            known ?? learnRemote(address, from: check)
            ?? (forgetDeadRemote(isLearned: true) ? learnRemote(address, from: check) : nil)
        guard let remote = learned else {
            counters.ignoredCandidates += 1
            return
        }
        if known == nil { trace(.remoteCandidate(remote, "learned")) }
        admit(check.source, on: check.socket)
        noteSignOfLife(check, at: now)
        let nominates = check.usesCandidate || (check.nominationNumber != nil && canRenominate)
        if isLite {
            if nominates { take(nominationBy: check, of: remote, at: now) }
            return
        }
        guard let id = pairForCheck(check, remote, at: now),
            let pair = session.checklists.read(
                id, { (state: $0.state, isRefused: $0.isRefused, hasLostConsent: $0.hasLostConsent) }),
            !pair.hasLostConsent
        else { return }
        if pair.state != .succeeded, !pair.isRefused {
            hasCrossed = pair.state == .inProgress
            session.checks.cancel(id)
            session.checklists.withList(id.stream) { $0.trigger(id) }
        }
        if nominates, role == .controlled { accept(nominationOf: id, by: check, at: now) }
    }

    private mutating func learnRemote(_ address: TransportAddress, from check: IncomingCheck) -> Candidate? {
        session.remoteCandidates.learn(
            address, path: check.path, over: transport(ofPeerOn: check.socket), priority: check.priority,
            network: check.network, generation: session.generation, limit: configuration.maximumRemoteCandidates)
    }

    /// The pair the check came over, made if there is none; nil once the component's checks are over and this one does not reopen them.
    private mutating func pairForCheck(_ check: IncomingCheck, _ remote: Candidate, at now: Instant) -> PairID? {
        let (stream, socket) = (check.path.stream, check.socket)
        if let id = session.checklists.pairID(in: stream, from: socket, to: remote.address) {
            noteCheck(besidePathInUse: id, at: now)
            return id
        }
        guard let host = receiver(on: check.socket) else { return nil }
        guard isConcluded(check.path) else {
            return insertPair(host, remote, isCalledFor: true)
        }
        // The peer may have moved: its NAT forgot the mapping of the pair in use, or it has another uplink.
        let hasMoved = remote.kind == .peerReflexive
        guard hasMoved || (check.nominates && role == .controlled), let id = insertPair(host, remote, isCalledFor: true)
        else {
            return nil
        }
        if hasMoved { noteNewAddress(of: check.path, at: now) }
        return id
    }

    /// RFC 8445 §7.3.1.5: at once if the pair is known to work, else as soon as it is.
    private mutating func accept(nominationOf id: PairID, by request: IncomingCheck, at now: Instant) {
        let number = number(ofNominationOf: id, by: request)
        session.checklists.update(id) { $0.pendingNomination = number }
        let answer = session.checklists.read(id) { $0.state == .succeeded ? $0.valid?.confirmedAt : nil }
        guard case .some(.some(let confirmedAt)) = answer else { return }
        // RFC 7675 §5.1: an answer from long ago is no consent any more. The pair is selected once it has answered again.
        if now - confirmedAt < configuration.consentTimeout / 2 || configuration.consentInterval == nil {
            nominate(id, at: now)
        } else if !session.checks.isUnderWay(on: id), let pair = session.checklists[id] {
            sendCheck(on: pair, for: .keepalive, at: now)
        }
    }

    mutating func number(ofNominationOf pair: PairID, by check: IncomingCheck) -> Int {
        (canRenominate ? check.nominationNumber : nil).map(Int.init)
            ?? session.nominationNumbers.number(of: check.request.transactionID, for: pair)
    }
}
