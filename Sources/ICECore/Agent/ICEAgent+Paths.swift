package import NetBase
import STUN

// What keeps a selected path, and those behind it, alive.
extension ICEAgent {
    // MARK: Consent (RFC 7675) and keepalives (RFC 8445 §11)

    mutating func advancePaths(to now: Instant) {
        for index in components.indices {
            advancePeerChecks(ofComponentAt: index, to: now)
            guard let path = components[index].selected else { continue }
            if path.upkeep != nil {
                advanceUpkeep(ofComponentAt: index, to: now)
            } else if now >= path.nextKeepalive {
                sendKeepalive(forComponentAt: index, at: now)
            }
        }
    }

    private mutating func advanceUpkeep(ofComponentAt index: Int, to now: Instant) {
        switch components[index].selected?.upkeep?.consent.advance(to: now, using: &generator) {
        case .check:
            sendPathCheck(forComponentAt: index, at: now)
        case .expired:
            let text = "no answer to consent checks for \(configuration.consentTimeout)"
            losePath(
                ofComponentAt: index, PairFailure(.consentExpired, text),
                ICEFailure(.consentExpired, "\(text); restart ICE to find another way"), at: now)
            return
        case nil: break
        }
        if components[index].selected?.upkeep?.liveness.advance(to: now) == true {
            sendPathCheck(forComponentAt: index, at: now)
        }
        reviewPath(ofComponentAt: index, at: now)
    }

    private mutating func sendKeepalive(forComponentAt index: Int, at now: Instant) {
        let interval = keepaliveInterval.draw(using: &generator)
        components[index].selected?.nextKeepalive = now + interval
        var indication = STUNMessage(.indication, .binding, transactionID: STUNTransactionID(using: &generator))
        indication.appendFingerprint()
        if let pair = components[index].selected?.pair { trace(ICETraceEvent(.keepalive, pair)) }
        emit(.keepAlive(indication.bytes, components[index].path, unlessSentWithin: interval))
    }

    /// Data has taken the keepalive's place: it is due when the interval has passed since that (RFC 8445 §11).
    package mutating func postponeKeepalive(of path: StreamComponent, to instant: Instant) {
        guard let index = components.firstIndex(where: { $0.path == path }) else { return }
        components[index].selected?.nextKeepalive = instant
    }

    /// Asks the peer whether it is there: as consent has it, or because it has not been heard of for a while.
    private mutating func sendPathCheck(forComponentAt index: Int, at now: Instant) {
        guard let path = components[index].selected else { return }
        // A peer that sees a request come from a new address, as after a NAT has forgotten its mapping, is to follow there at once.
        let nominates =
            role == .controlling && path.pair.isNominated
            && (configuration.consentNominates || path.upkeep?.liveness.isMissingReply == true)
        let request = CheckRequest(
            transactionID: STUNTransactionID(using: &generator), priority: path.checkPriority, role: role,
            tieBreaker: tieBreaker, nominates: nominates,
            nominationNumber: nominates && canRenominate ? nextNominationNumber() : nil,
            network: session.checklists[path.id]?.local.network)
        guard let message = request.message(keys: path.keys, stream: path.pair.path.stream) else { return }
        if path.generation == session.generation, path.upkeep?.liveness.repeatedSince != nil {
            session.checklists.update(path.id) { $0.noteUnanswered() }
        }
        let roundTrip = path.upkeep?.roundTrip
        path.upkeep?.consent.sent(request.transactionID, at: now, using: &generator)
        path.upkeep?.liveness.asked(at: now, roundTrip: roundTrip, using: &generator)
        note(consentRequest: request, on: path)
        emit(.send(message.bytes, from: path.socket, to: path.destination))
    }

    /// Takes the answer to a consent check; false if it is none.
    mutating func receiveConsent(
        _ response: STUNMessage, from source: TransportAddress, on socket: SocketID, at now: Instant
    ) -> Bool {
        guard
            let index = components.firstIndex(where: {
                $0.selected?.upkeep?.consent.isWaiting(for: response.transactionID) == true
            }), let path = components[index].selected, let key = path.keys.remoteKey(of: path.pair.path.stream),
            path.socket == socket, path.destination == source, response.fingerprint != .invalid,
            case .valid = response.verifyIntegrity(key, .sha1)
        else { return false }
        let isGranted = response.messageClass == .success
        let sample =
            isGranted ? components[index].selected?.upkeep?.consent.answered(response.transactionID, at: now) : nil
        note(consentAnswer: response, on: path, from: source, roundTrip: sample)
        if isGranted {
            if let sample { components[index].selected?.upkeep?.roundTrip = sample }
            components[index].selected?.peerMovedTo = nil
            components[index].selected?.upkeep?.liveness.heard(at: now)
            if path.generation == session.generation {
                session.checklists.update(path.id) { $0.confirm(at: now, roundTripTime: sample) }
                forgetReplacements(of: path, at: now)
            }
        } else if response[STUNMessage.ErrorCode.self]?.code == STUNMessage.ErrorCode.forbidden.code {
            components[index].selected?.upkeep?.consent.revoke()
            losePath(
                ofComponentAt: index, PairFailure(.consentExpired, "the peer took back its consent"),
                ICEFailure(.consentRevoked, "the peer answered 403 and wants nothing more to be sent"), at: now)
        }
        return true
    }

    // MARK: Signs of life

    /// A check of the peer's over the pair in use.
    mutating func noteSignOfLife(_ check: IncomingCheck, at now: Instant) {
        noteCheck(on: check.socket, from: check.source, at: now)
        guard let index = components.firstIndex(where: { $0.path == check.path }),
            components[index].selected?.socket == check.socket,
            components[index].selected?.destination == check.source
        else { return }
        components[index].selected?.upkeep?.liveness.heard(at: now)
    }

    /// Data goes out; while ``expectsReply(on:)`` holds, more of it need not be told.
    package mutating func sentData(on path: StreamComponent, now: Instant) {
        guard let index = components.firstIndex(where: { $0.path == path }) else { return }
        components[index].selected?.upkeep?.liveness.sentData(at: now)
    }

    /// Whether something is to come back for data that was sent, or is known not to come.
    package func expectsReply(on path: StreamComponent) -> Bool {
        guard let index = components.firstIndex(where: { $0.path == path }) else { return true }
        return components[index].selected?.upkeep?.liveness.isExpecting ?? true
    }

    /// When the last data came in over the selected path, and the first went out behind it; to be told before ``advance(to:)``.
    package mutating func noteData(on path: StreamComponent, receivedAt: Instant?, unansweredSince: Instant?) {
        guard let index = components.firstIndex(where: { $0.path == path }) else { return }
        if let receivedAt {
            components[index].selected?.upkeep?.liveness.heard(at: receivedAt)
            components[index].selected?.peerChecks?.heard(at: receivedAt)
        }
        if let unansweredSince { components[index].selected?.upkeep?.liveness.sentData(at: unansweredSince) }
    }

    /// The peer's check came from an address that it has not had before: perhaps the one in use has become another.
    mutating func noteNewAddress(of path: StreamComponent, at now: Instant) {
        guard let index = components.firstIndex(where: { $0.path == path }),
            components[index].selected?.upkeep?.liveness.repeatedSince == nil
        else { return }
        sendPathCheck(forComponentAt: index, at: now)
    }

    // MARK: Replacing a path

    /// While the pair in use does not answer, those that stand by are asked too; once it is in doubt, the best of them that has answered
    /// takes its place.
    private mutating func reviewPath(ofComponentAt index: Int, at now: Instant) {
        if let pair = components[index].selected.flatMap({ replacement(of: $0) }) {
            return replacePath(ofComponentAt: index, with: pair, at: now)
        }
        guard let path = components[index].selected, path.generation == session.generation,
            let liveness = path.upkeep?.liveness, let since = liveness.repeatedSince
        else { return }
        askAboutRelay(ofComponentAt: index, since: since)
        let others = pairs(workingBeside: path)
        let answering = others.first { ($0.valid?.confirmedAt ?? since) >= since }
        let hasMoved = answering != nil && answering?.id == path.peerMovedTo
        if liveness.isDoubtful || hasMoved {
            if let answering { return replacePath(ofComponentAt: index, with: answering, at: now) }
            reopen(ofComponentAt: index, since: since, at: now)
        }
        for other in others
        where other.valid.map({ $0.confirmedAt < since }) == true && !session.checks.isUnderWay(on: other.id) {
            sendCheck(on: other, for: .keepalive, at: now)
        }
    }

    private func pairs(workingBeside path: SelectedPath) -> [CheckPair] {
        session.checklists.pairs.filter { $0.path == path.pair.path && $0.id != path.id && $0.state == .succeeded }
    }

    /// It may be the way to the own relay that has changed, as when a NAT forgot it: the server is asked once whether it knows us.
    private mutating func askAboutRelay(ofComponentAt index: Int, since: Instant) {
        guard let path = components[index].selected, path.relayAskedSince != since,
            let allocation = sockets.first(where: { $0.id == path.socket })?.allocation
        else { return }
        components[index].selected?.relayAskedSince = since
        emit(.confirmRelay(allocation))
    }

    private mutating func replacePath(ofComponentAt index: Int, with pair: CheckPair, at now: Instant) {
        select(pair, forComponentAt: index, at: now)
        guard isConcluded(pair.path), role == .controlling else { return }
        session.checks.removeAll { $0.purpose == .nomination && $0.path == pair.path }
        session.forgetNominations(of: pair.path)
        session.nominations.append(pair.id)
    }

    /// Looks at a path anew when a pair of its component has been found to work.
    mutating func reviewPath(of path: StreamComponent, at now: Instant) {
        guard let index = components.firstIndex(where: { $0.path == path }) else { return }
        reviewPath(ofComponentAt: index, at: now)
    }

    // MARK: Backups

    private var backups: [CheckPair] {
        mayHaveBackups ? session.checklists.pairs.filter { $0.state == .succeeded && isBackup($0) } : []
    }

    private var mayHaveBackups: Bool {
        !isLite && session.checklists.pairCount > components.count { $0.selected?.generation == session.generation }
    }

    /// Whether a pair that works stands by.
    private func isBackup(_ pair: CheckPair) -> Bool {
        isConcluded(pair.path) && !isInUse(pair) && !session.checks.isUnderWay(on: pair.id)
    }

    private func isInUse(_ pair: CheckPair) -> Bool {
        components.contains { $0.selected?.id == pair.id && $0.selected?.generation == session.generation }
    }

    /// Where a call may move, it is worth to know how well the others do, and at once whether a direct one is there to stay.
    private func backupInterval(of pair: CheckPair) -> Duration {
        guard canRenominate else { return keepaliveInterval.shortest * backupStretch }
        return pair.isRelayed || pair.quality.answers > 1 ? .seconds(5) * backupStretch : .milliseconds(100)
    }

    var backupDeadline: Instant? {
        var first = Earliest()
        guard mayHaveBackups else { return nil }
        session.checklists.forEach(in: .succeeded) { pair in
            if isBackup(pair) { first.note(pair.valid.map { $0.confirmedAt + backupInterval(of: pair) }) }
        }
        return first.instant
    }

    mutating func advanceBackups(to now: Instant) {
        for pair in backups {
            guard let valid = pair.valid, now >= valid.confirmedAt + backupInterval(of: pair) else { continue }
            sendCheck(on: pair, for: .keepalive, at: now)
            backupStretch = KeepaliveInterval.drawStretch(using: &generator)
        }
    }
}
