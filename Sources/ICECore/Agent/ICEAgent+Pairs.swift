package import NetBase

extension ICEAgent {
    /// Takes the peer's credentials and abilities (RFC 8839 §5.4); checks that came before them are now acted upon.
    ///
    /// - Parameters:
    ///   - parameters: Those of the session.
    ///   - own: Those of streams that have other ones than the rest.
    ///   - isSignalled: False where the username fragment alone is the peer's, as it may be for a lite agent.
    /// - Returns: False if this generation has other ones already, which only a restart changes. Nothing has changed then.
    package mutating func setRemote(
        _ parameters: ICEParameters, own: [(stream: StreamID, parameters: ICEParameters)] = [],
        isSignalled: Bool = true, now: Instant
    ) -> Bool {
        let isNew = !session.keys.isRemoteSignalled
        if let known = session.remote, isNew {
            guard known.usernameFragment == parameters.usernameFragment else { return false }
        } else if let known = session.remote {
            guard known.credentials == parameters.credentials, own.allSatisfy({ mayTake($0.parameters, of: $0.stream) })
            else { return false }
        }
        let fresh = own.filter { session.keys.remote(of: $0.stream)?.credentials != $0.parameters.credentials }
        for (stream, parameters) in fresh { session.keys.setRemote(parameters, of: stream) }
        if isNew {
            session.keys.setRemote(parameters, isSignalled: isSignalled)
            trace(.remoteParameters(parameters))
            pacer.interval = configuration.pacing.agreedInterval(remote: parameters)
            if isChecking { beginPatience(at: now) }
            settleRole(with: parameters)
        } else if fresh.isEmpty {
            return true
        }
        // RFC 8838 §9: what came ahead of the credentials and names others would keep a later candidate of the same address out.
        let keys = session.keys
        counters.ignoredCandidates += session.remoteCandidates.removeAll { candidate in
            let named = keys.remote(of: candidate.stream)?.usernameFragment
            return (candidate.usernameFragment ?? named) != named
        }
        formAllPairs()
        let early = session.early.takeAll()
        expel(sourcesOf: early.filter { session.isPeers($0) != true })
        for check in early where session.isPeers(check) == true {
            act(on: check, at: now)
            countAnswer(to: check)
        }
        settle(at: now)
        return true
    }

    /// A stream's credentials are fixed once its checks may have begun.
    private func mayTake(_ parameters: ICEParameters, of stream: StreamID) -> Bool {
        session.keys.remote(of: stream)?.credentials == parameters.credentials
            || (session.lateStreams.contains(stream)
                && !session.remoteCandidates.all.contains { $0.stream == stream })
    }

    /// Takes a candidate of the peer, before or after its credentials (RFC 8838 §11).
    package mutating func addRemote(_ candidate: Candidate, now: Instant) {
        var candidate = candidate
        if candidate.address.ip.isV4Mapped { candidate.address = candidate.address.unmapped }
        if let reason = reasonToIgnore(candidate) { return ignore(candidate, reason) }
        if let hostName = candidate.hostName { seek(candidate, hostName) } else { add(candidate) }
        settle(at: now)
    }

    /// Takes a candidate whose address is known.
    mutating func add(_ candidate: Candidate) {
        guard candidate.address.canBePeer else { return ignore(candidate, "address") }
        if candidate.kind == .host, candidate.hostName == nil { peerShows = true }
        switch session.remoteCandidates.add(signalled: candidate, limit: configuration.maximumRemoteCandidates) {
        case .added:
            trace(.remoteCandidate(candidate, "signalled"))
            formPairs(with: candidate)
        case .merged(let merged):
            trace(.remoteCandidate(merged, "merged"))
            session.checklists.withList(candidate.stream) { list in
                list.updateAll(where: { $0.path == merged.path && $0.remote.address == merged.address }) {
                    $0.adopt(signalled: merged)
                }
            }
            for index in components.indices where components[index].path == merged.path {
                guard let id = components[index].selected?.id, let pair = session.checklists[id] else { continue }
                components[index].selected?.pair = pair.description
            }
            // What was learned met the address that received the check alone; what is signalled meets all.
            formPairs(with: merged)
        case .duplicate:
            trace(.remoteCandidate(candidate, "duplicate", .remoteCandidateIgnored))
        case .refused where forgetDeadRemote(isLearned: candidate.kind == .peerReflexive):
            add(candidate)
        case .refused:
            ignore(candidate, "limit")
        }
    }

    mutating func ignore(_ candidate: Candidate, _ reason: String) {
        counters.ignoredCandidates += 1
        trace(.remoteCandidate(candidate, reason, .remoteCandidateIgnored))
    }

    private func reasonToIgnore(_ candidate: Candidate) -> String? {
        if state == .closed { return "closed" }
        // RFC 8838 §14: what comes behind the end of candidates is ignored.
        guard session.expectsCandidates(of: candidate.stream, usernameFragment: candidate.usernameFragment) else {
            return "late"
        }
        return isInUse(candidate.transport) ? reasonOfSession(toIgnore: candidate) : "transport"
    }

    /// Why a candidate is of no use whose kind is: it is for no component, or not of the peer's present generation, as far as they are known.
    func reasonOfSession(toIgnore candidate: Candidate) -> String? {
        // Before gathering the streams need not be known: what fits none of them is never paired.
        guard gatherer.state == .new || components.contains(where: { $0.path == candidate.path }) else {
            return "component"
        }
        guard isCurrent(candidate) else { return "generation" }
        return candidate.address.port == 0 ? "address" : nil
    }

    /// The peer has no more candidates (RFC 8838 §14).
    ///
    /// - Parameters:
    ///   - stream: The stream it speaks of; nil for all.
    ///   - usernameFragment: The generation it speaks of: an end of another one than the peer's present one means nothing.
    package mutating func remoteCandidatesEnded(
        of stream: StreamID? = nil, usernameFragment: String? = nil, now: Instant
    ) {
        session.endRemoteCandidates(of: stream, usernameFragment: usernameFragment)
        trace(ICETraceEvent(.endOfCandidates))
        settle(at: now)
    }

    /// Starts the checks; idempotent.
    package mutating func startChecks(now: Instant) {
        if !isChecking, awaitsChecks { beginPatience(at: now) }
        isChecking = true
        settle(at: now)
    }

    /// RFC 8863 §4: the timer starts once an agent has both sent and received the credentials. That it has sent its own is known to the
    /// application, which starts the checks.
    private mutating func beginPatience(at now: Instant) {
        session.patienceEnd = now + configuration.patienceInterval
    }

    /// RFC 8838 §9: a candidate that names another generation than the peer's present one is left out.
    private func isCurrent(_ candidate: Candidate) -> Bool {
        guard let named = candidate.usernameFragment, let known = session.keys.remoteFragment(of: candidate.stream)
        else {
            return true
        }
        return named == known
    }

    // MARK: Forming pairs

    /// Pairs what was known before the credentials: the lowest component and the highest priority first, so that one pair alone of each
    /// foundation is Waiting (RFC 8445 §6.1.2.6).
    private mutating func formAllPairs() {
        guard session.hasRemote else { return }
        var found: [(local: LocalCandidate, remote: Candidate, priority: UInt64)] = []
        for local in session.conveyed {
            for remote in session.remoteCandidates.candidates(of: local.candidate.path)
            where isCurrent(remote) && remote.kind != .peerReflexive {
                let priority = CandidatePair.priority(
                    local: local.candidate.priority, remote: remote.priority, role: role)
                found.append((local, remote, priority))
            }
        }
        found.sort { ($0.remote.path, $1.priority) < ($1.remote.path, $0.priority) }
        for (local, remote, _) in found { formPair(local, remote) }
        for component in components { letCallersIn(of: component.path) }
    }

    mutating func formPairs(with local: LocalCandidate) {
        guard session.hasRemote else { return }
        // RFC 8445 §7.3.1.3: what a check has shown is not paired with any but the address that received it.
        for remote in Array(session.remoteCandidates.candidates(of: local.candidate.path))
        where isCurrent(remote) && remote.kind != .peerReflexive {
            formPair(local, remote)
        }
        letCallersIn(of: local.candidate.path)
    }

    private mutating func formPairs(with remote: Candidate) {
        guard session.hasRemote else { return }
        for local in session.conveyed where local.candidate.path == remote.path { formPair(local, remote) }
        letCallersIn(of: remote.path)
    }

    /// Whether pairs of a component may still be of use.
    func mayStillCheck(_ path: StreamComponent) -> Bool {
        !isConcluded(path) || mayNominateAgain || gathersContinually
    }

    private mutating func formPair(_ local: LocalCandidate, _ remote: Candidate) {
        guard isLite ? isBetweenLiteAgents : mayStillCheck(remote.path),
            local.canReach(remote)
        else {
            return
        }
        let checklist = session.checklists[remote.stream]
        // RFC 8445 §6.1.2.4: a reflexive candidate is replaced by its base, and of two equal pairs the better one stays. The base's own
        // host candidate is signalled first and has the higher priority, so the newcomer is the one to leave out.
        guard checklist?.pair(from: local.socket, to: remote.address) == nil else { return }
        insertPair(local, remote)
        if isLite { admit(remote.address.scoped(like: local.base), on: local.socket) }
    }

    /// Puts a pair on its checklist, if there is room or a worse one to give way.
    ///
    /// - Parameter isCalledFor: Whether the peer has checked it: then any that nobody has begun to check gives way.
    @discardableResult
    mutating func insertPair(_ local: LocalCandidate, _ remote: Candidate, isCalledFor: Bool = false) -> PairID? {
        let priority = CandidatePair.priority(local: local.candidate.priority, remote: remote.priority, role: role)
        let limit = max(1, configuration.maximumCandidatePairs)
        let claim = isCalledFor ? UInt64.max : priority
        guard session.checklists.makeRoom(for: claim, in: remote.stream, limit: limit) else { return nil }
        permit(remote.address.ip, on: local)
        return session.checklists.insert(local: local, remote: remote, role: role)
    }

    /// Whether the component has its nominated pair, so that its checks are over (RFC 8445 §8.1.2).
    func isConcluded(_ path: StreamComponent) -> Bool {
        for index in components.indices where components[index].path == path {
            return components[index].concludedGeneration == session.generation
        }
        return false
    }
}

extension TransportAddress {
    /// Whether one agent may have the address: nobody is asked to send to a group, to all, or to nowhere.
    fileprivate var canBePeer: Bool {
        port != 0 && !ip.isUnspecified && !ip.isMulticast && ip != IPAddress(v4: .max)
    }
}

extension LocalCandidate {
    /// RFC 8445 §6.1.2.2: same family and transport, and link-local IPv6 only with link-local IPv6.
    func canReach(_ remote: Candidate) -> Bool {
        guard base.family == remote.address.family, candidate.transport.canCheck(remote.transport) else { return false }
        // A relay is not told whom a name stands for.
        if candidate.kind == .relayed, remote.hostName != nil { return false }
        return base.family == .v4 || base.ip.isLinkLocal == remote.address.ip.isLinkLocal
    }
}
