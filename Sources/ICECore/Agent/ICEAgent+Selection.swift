package import NetBase

extension ICEAgent {
    // MARK: Nominating (RFC 8445 §8.1.1)

    mutating func decideNominations(at now: Instant) {
        session.nominationHold = nil
        guard !isLite else { return selectWithoutChecks(at: now) }
        guard role == .controlling, isChecking, session.hasRemote else { return }
        for index in components.indices where components[index].concludedGeneration != session.generation {
            let path = components[index].path
            let hasValid = session.checklists.contains { $0.path == path && $0.valid != nil }
            guard hasValid, !session.isNominating(path) else { continue }
            let pairs = session.checklists[path.stream]?.pairs(of: path)
            let isFinal = !nominatesAggressively
            let decision = pairs.map {
                Nominator.decide(
                    over: $0, at: now, sawLoss: sawLoss || isPeerHeardDirectly(on: path),
                    expectsCandidates: gatherer.state == .gathering || session.sought.contains(path.stream)
                        || session.expectsCandidates(of: path.stream),
                    expectsMappings: isFinal && gatherer.expectsMappings,
                    expectsConnections: isFinal && expectsConnections(on: path),
                    mayBeRelayed: { [remote = session.remoteCandidates] in isFinal && remote.mayBeRelayed($0) })
            }
            switch decision {
            case .nominate(let id):
                if let hold = eagerHold(before: id, of: path), hold > now {
                    session.nominationHold = min(hold, session.nominationHold ?? hold)
                } else {
                    session.nominations.append(id)
                }
            case .holdUntil(let instant):
                session.nominationHold = min(instant, session.nominationHold ?? instant)
            case .wait, nil:
                break
            }
        }
    }

    /// Whether datagrams get lost, for all that this agent can see. The slow timeouts of the standard profile would make the wait too long.
    private var sawLoss: Bool {
        configuration.pacing.measuredTimeoutFloor != nil && (session.sawLoss || gatherer.sawLoss)
    }

    /// Whether the peer's checks come over a direct pair whose own checks go unanswered: the way is there, the answers were lost.
    private func isPeerHeardDirectly(on path: StreamComponent) -> Bool {
        configuration.pacing.measuredTimeoutFloor != nil
            && session.checklists.contains {
                $0.path == path && $0.isPending && $0.counters.requestsReceived > 0
                    && !session.remoteCandidates.mayBeRelayed($0)
            }
    }

    /// A better pair whose first check nominates it gets the time that this one took, twice, to answer; a dead one gets no more.
    private func eagerHold(before id: PairID, of path: StreamComponent) -> Instant? {
        let roundTrip = session.checklists.read(id) { $0.roundTripTime ?? Nominator.leastHold / 2 }
        guard let roundTrip else { return nil }
        return session.eagerHold(of: path, patience: roundTrip * 2)
    }

    /// A pair was nominated by us, or by the peer and works: the latest nomination is the selected pair.
    mutating func nominate(_ id: PairID, at now: Instant) {
        let known = session.checklists.read(id) { pair in
            (path: pair.path, isValid: pair.valid != nil, number: pair.pendingNomination, isNominated: pair.isNominated)
        }
        guard let known, known.isValid, let index = components.firstIndex(where: { $0.path == known.path }) else {
            return
        }
        let isLater = (known.number ?? .max) > components[index].nominationNumber
        let isRepeated = components[index].selected?.id == id && known.isNominated
        session.checklists.update(id) { $0.nominate() }
        guard role == .controlling || isLater else { return }
        // One that is repeated afresh is later too than what came in between.
        if let number = known.number { components[index].nominationNumber = number }
        guard !isRepeated, let nominated = session.checklists[id] else { return }
        session.checklists.withList(nominated.path.stream) { list in
            list.updateAll(where: { $0.path == nominated.path && $0.id != id }) { $0.yield() }
        }
        components[index].concludedGeneration = session.generation
        tell(.pairNominated(nominated.description))
        select(nominated, forComponentAt: index, at: now)
        let hasRivals = conclude(nominated, at: now)
        if role == .controlling, hasRivals { confirm(nominated) }
        if components.allSatisfy({ isConcluded($0.path) }) { scheduleRelayRelease(at: now) }
    }

    /// RFC 8445 §8.1.2: the component's other pairs go, but for a few that work, or may yet, and are kept as backups.
    ///
    /// - Returns: Whether the peer may have been told of others too.
    private mutating func conclude(_ nominated: CheckPair, at now: Instant) -> Bool {
        let hasRivals = session.checks.outvote(rivalsOf: nominated.id, on: nominated.path)
        session.forgetNominations(of: nominated.path)
        keepBackups(of: nominated.path, at: now)
        // Where nominations are numbered, the peer knows which is the latest.
        let hasOthers = session.nominated.hasOthers(than: nominated.id, of: nominated.path)
        return (hasRivals || hasOthers) && !canRenominate
    }

    /// Backups are pairs that work; as long as there are not enough of them, or none that is direct, as many that are still being checked
    /// stay too.
    mutating func keepBackups(of path: StreamComponent, at now: Instant) {
        guard isConcluded(path), let index = components.firstIndex(where: { $0.path == path }),
            let used = components[index].selected?.id
        else { return }
        // Those over TCP are no backups: RFC 6544 §8 has their connections closed.
        let others = session.checklists.pairs.filter {
            $0.path == path && $0.id != used && !$0.local.candidate.transport.isTCP
        }
        guard usesTCP || !others.isEmpty else { return }
        let limit = isLite ? 0 : max(0, configuration.backupPairs)
        let isRelayed = session.checklists[used]?.isRelayed == true
        // Mostly there is room for all.
        guard usesTCP || isRelayed || others.count > limit || others.contains(where: { $0.state == .failed }) else {
            return
        }
        let working = spares(among: others.filter { $0.state == .succeeded }, besides: used).prefix(limit)
        let wanted = others.filter { $0.isPending && (isRelayed ? !$0.isRelayed : working.count < limit) }
        let pending = isRelayed && mayNominateAgain && !isLite ? wanted : Array(wanted.prefix(limit))
        // Of a rival the peer may have heard: its answer will say so. And a later nomination of the peer's may wait for its pair.
        let rivals = session.checks.all.filter(\.isOutvoted).map(\.pair)
        let inForce = components[index].nominationNumber
        let awaited = others.filter {
            ($0.pendingNomination ?? 0) > inForce || ($0.state != .waiting && rivals.contains($0.id))
        }
        let elsewhere = limit > 0 ? untriedRoutes(among: others, besides: Array(working), used) : []
        let replacing = session.checklists.pairs.filter { pair in
            pair.path == path && components[index].selected.map { mayReplace($0, pair) } == true
        }
        let staying: [CheckPair] = Array(working) + pending + elsewhere + awaited + replacing
        let kept = Set(staying.map(\.id) + [used])
        session.checks.removeAll { $0.path == path && !kept.contains($0.pair) }
        session.checklists.withList(path.stream) { list in
            list.remove { $0.path == path && !kept.contains($0.id) && !$0.hasLostConsent }
        }
        scheduleDisconnection(at: now)
    }

    /// What is to stand in goes over other networks first: what takes the path in use away takes those beside it along.
    private func spares(among pairs: [CheckPair], besides used: PairID) -> [CheckPair] {
        let route = session.checklists[used]?.route
        var taken = [route]
        let first = pairs.filter { pair in
            guard !taken.contains(pair.route) else { return false }
            taken.append(pair.route)
            return true
        }
        let chosen = Set(first.map(\.id))
        return first + pairs.filter { !chosen.contains($0.id) }
    }

    /// While nothing is known to work over another network, what may is still checked, direct pairs before relayed ones.
    private func untriedRoutes(among pairs: [CheckPair], besides working: [CheckPair], _ used: PairID) -> [CheckPair] {
        var known = working.map(\.route)
        if let route = session.checklists[used]?.route { known.append(route) }
        let open = pairs.filter { $0.isPending && !known.contains($0.route) }
        let sorted: [CheckPair] = open.filter { !$0.isRelayed } + open.filter { $0.isRelayed }
        return Array(sorted.prefix(Self.untriedLimit))
    }

    private static let untriedLimit = 6

    // MARK: Nominations that cross

    /// Several pairs may be nominated at a time, as `.eager` has it, and the peer keeps to the one that reaches it last. The best of them
    /// that is answered is the one to use, and the peer is told so once more after each other of which it may have heard.
    mutating func takeAnswer(toNominationBy check: OutgoingCheck, at now: Instant) {
        guard check.isOutvoted || check.purpose == .confirmation, let pair = session.checklists[check.pair],
            let valid = pair.valid, let chosen = chosenPair(of: pair.path), chosen.id != pair.id
        else { return nominate(check.pair, at: now) }
        if check.nominatesEagerly, valid.priority > (chosen.valid?.priority ?? 0) {
            return nominate(pair.id, at: now)
        }
        confirm(chosen)
    }

    /// A check that nominated another pair than the chosen one has ended without an answer that counts, but may have got through.
    mutating func forget(outvoted check: OutgoingCheck) {
        guard let pair = session.checklists[check.pair] else { return }
        if let chosen = chosenPair(of: pair.path), chosen.id != pair.id { confirm(chosen) }
        let isStillChecked = session.checks.all.contains { $0.pair == pair.id }
        if pair.state == .inProgress, !isStillChecked {
            session.checklists.withList(pair.id.stream) { list in list.remove { $0.id == pair.id } }
        }
    }

    private mutating func confirm(_ chosen: CheckPair) {
        if role == .controlling, !session.nominations.contains(chosen.id) { session.nominations.append(chosen.id) }
    }

    func chosenPair(of path: StreamComponent) -> CheckPair? {
        guard isConcluded(path), let index = components.firstIndex(where: { $0.path == path }),
            components[index].selected?.generation == session.generation,
            let pair = components[index].selected.flatMap({ session.checklists[$0.id] }), pair.isNominated
        else { return nil }
        return pair
    }

    // MARK: Selecting (RFC 8445 §12.1)

    /// Before the nomination, data goes over the best pair that works.
    mutating func selectProvisionally(for path: StreamComponent, at now: Instant) {
        guard let index = components.firstIndex(where: { $0.path == path }),
            components[index].concludedGeneration != session.generation
        else { return }
        let current = components[index].selected?.id
        // During a restart the old pair goes on until the new generation has nominated (RFC 8445 §9).
        if let generation = components[index].selected?.generation, generation != session.generation { return }
        // RFC 7675 §5.1: consent lasts from the last answer; a pair that has been silent for longer has none.
        let consented = now - configuration.consentTimeout
        let best = session.checklists.pairs.lazy
            .filter { $0.path == path && ($0.valid?.confirmedAt ?? consented) > consented }
            .max { ($0.valid?.priority ?? 0) < ($1.valid?.priority ?? 0) }
        if let best, best.id != current { select(best, forComponentAt: index, at: now) }
    }

    mutating func select(_ pair: CheckPair, forComponentAt index: Int, at now: Instant) {
        let isSamePath =
            components[index].selected?.id == pair.id && components[index].selected?.generation == session.generation
        if isSamePath {
            let nextKeepalive = now + keepaliveInterval.draw(using: &generator)
            components[index].selected?.begin(again: pair.description, nextKeepalive: nextKeepalive)
            return
        }
        components[index].selected = SelectedPath(
            pair, in: session, upkeep: upkeep(of: pair, at: now), peerChecks: peerChecks(at: now),
            nextKeepalive: now + keepaliveInterval.draw(using: &generator))
        emit(.usePath(pair.path, pair.socket, pair.destination))
        expelEarlierGenerations()
        tell(.selectedPair(pair.description))
    }

    /// Where the application wants it so, data need not wait for the first answer between two relays, which let each other in.
    mutating func presumeWritable(_ pair: CheckPair) {
        guard configuration.presumesRelaysWritable, pair.local.candidate.kind == .relayed,
            pair.remote.kind == .relayed
                || pair.remote.kind == .peerReflexive && session.remoteCandidates.mayBeRelayed(pair),
            let index = components.firstIndex(where: { $0.path == pair.path }),
            components[index].selected == nil, components[index].presumed == nil
        else { return }
        components[index].presumed = pair.id
        emit(.usePath(pair.path, pair.socket, pair.destination))
    }

    mutating func stopPresuming(_ id: PairID) {
        guard let index = components.firstIndex(where: { $0.presumed == id }) else { return }
        components[index].presumed = nil
        if components[index].selected == nil { emit(.dropPath(components[index].path)) }
    }

    private mutating func upkeep(of pair: CheckPair, at now: Instant) -> PathUpkeep? {
        guard !isLite, let interval = configuration.consentInterval else { return nil }
        let consent = ConsentMonitor(
            interval: interval, timeout: configuration.consentTimeout, confirmedAt: pair.valid?.confirmedAt ?? now,
            at: now, using: &generator)
        return PathUpkeep(
            consent: consent, liveness: LivenessMonitor(at: now, using: &generator), roundTrip: pair.roundTripTime)
    }

    var keepaliveInterval: KeepaliveInterval { KeepaliveInterval(configuration.keepaliveInterval) }

    // MARK: Losing a path

    /// Another client of a port that is shared has a call with the same address, so that data from there can't be told apart.
    package mutating func pathTaken(_ path: StreamComponent, now: Instant) {
        guard let index = components.firstIndex(where: { $0.path == path }) else { return }
        let text =
            "another client of the shared port has a call with the peer's address: give one of the two its own port"
        losePath(
            ofComponentAt: index, PairFailure(.addressTaken, text), ICEFailure(.checksFailed, text), at: now)
        settle(at: now)
    }

    /// The pair in use is dead: another one that works takes its place, if there is one.
    mutating func losePath(
        ofComponentAt index: Int, _ failure: PairFailure, _ reason: ICEFailure,
        restart code: RestartReason.Code = .pathLost, at now: Instant
    ) {
        guard let lost = components[index].selected else { return }
        components[index].selected = nil
        if lost.generation == session.generation, let pair = session.checklists[lost.id] {
            fail(pair, failure)
            if failure.code == .consentExpired {
                session.checklists.update(pair.id) { $0.loseConsent() }
            }
            components[index].concludedGeneration = nil
        } else {
            tell(.pairFailed(lost.pair, failure))
        }
        emit(.dropPath(components[index].path))
        if failure.code == .consentExpired {
            // A later generation may know the address as well.
            expel {
                $0.socket == lost.socket && $0.address == lost.destination && $0.generation <= lost.generation
            }
        }
        selectProvisionally(for: components[index].path, at: now)
        // What was replaced at once is no reason for anything that fails later.
        guard components[index].selected == nil else { return }
        self.failure = reason
        // While a restart is under way, it is for that to find another.
        guard lost.generation == session.generation else { return }
        askForRestart(RestartReason(code, reason.message))
    }
}
