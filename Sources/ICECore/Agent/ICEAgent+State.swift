import NetBase

extension ICEAgent {
    /// Until when failure is not declared, while that is in the future of anything that matters (RFC 8863 §4).
    var patienceDeadline: Instant? {
        isConnected || state == .failed ? nil : session.patienceEnd
    }

    var isConnected: Bool {
        for index in components.indices where components[index].selected == nil { return false }
        return !components.isEmpty
    }

    mutating func updateState(at now: Instant) {
        improvePaths(at: now)
        askForRestartIfSilent()
        if areAllConcluded {
            gatherer.stopKeepalives()
            if sockets.contains(where: \.isRelay) { scheduleRelayReleaseIfUnused(at: now) }
        }
        for error in gatherer.unusableServers() { tell(.candidateError(error)) }
        scheduleRetry(at: now)
        if gatherer.finishIfDone() {
            closeUntoldPorts()
            tell(.gatheringState(.complete))
        }
        // The patience is for what has still to be found; once all is decided, there is nothing more to wait for.
        if let end = session.patienceEnd, isConnected ? isCompleted : now >= end { session.patienceEnd = nil }
        let next = nextState()
        if next == .connected || next == .completed { failure = nil }
        guard next != state else { return }
        // Whoever waits for `connected` is not to be passed over when the pair is nominated at the same moment.
        if next == .completed, state == .new || state == .checking { tell(.state(.connected, nil)) }
        state = next
        if next == .failed {
            gatherer.stopKeepalives()
            // What is under way for backups that nobody will use any more is not told of.
            let dead = session.checks.all.map(\.pair).filter {
                session.checklists[$0].map { isGivenUp($0.path) } ?? true
            }
            session.checks.removeAll { dead.contains($0.pair) }
        }
        tell(.state(next, next == .failed ? failure : nil))
    }

    private mutating func nextState() -> ICEState {
        if state == .failed { return .failed }
        // webrtc-pc's order for several transports: any that has failed, any that is silent, any that is being checked.
        if let reason = conclusiveFailure() {
            failure = reason
            return .failed
        }
        // That the path from before a restart is silent may be the reason for it: what counts are the new checks.
        if hasSilentPath(where: { $0 == session.generation }) { return .disconnected }
        if hasSilentPath(where: { $0 != session.generation }) { return .checking }
        if isConnected { return isCompleted ? .completed : .connected }
        if components.isEmpty { return .new }
        if isExhausted, mayStillGetCandidates { return .disconnected }
        let hasBegun = isChecking && !session.remoteCandidates.all.isEmpty
        return hasBegun || state != .new ? .checking : .new
    }

    private func hasSilentPath(where matches: (_ generation: Int) -> Bool) -> Bool {
        for index in components.indices where components[index].selected?.isSilent == true {
            if let generation = components[index].selected?.generation, matches(generation) { return true }
        }
        return false
    }

    private var mayStillGetCandidates: Bool { gatherer.state != .complete || !session.hasAllRemoteCandidates }

    /// Some component's pairs have all been checked, and none works.
    private var isExhausted: Bool {
        guard !isLite else { return false }
        for index in components.indices where components[index].selected == nil {
            let path = components[index].path
            guard session.checklists.contains(where: { $0.path == path }) else { continue }
            if !session.checklists.contains(where: { $0.path == path && $0.isPending }) { return true }
        }
        return false
    }

    /// Every component has its nominated pair, and neither side will bring more candidates.
    private var isCompleted: Bool {
        areAllConcluded && gatherer.state == .complete
            && (session.hasAllRemoteCandidates || isLite && !isBetweenLiteAgents)
    }

    /// Every component has its nominated pair. What servers answer after that is kept alive no longer (RFC 8445 §8.3).
    private var areAllConcluded: Bool {
        for index in components.indices where components[index].concludedGeneration != session.generation {
            return false
        }
        return !components.isEmpty
    }

    /// Whether the session has failed and this component is a reason for it: others go on as long as they can.
    func isGivenUp(_ path: StreamComponent) -> Bool {
        state == .failed && !components.contains { $0.path == path && $0.selected != nil }
            && !session.checklists.pairs.contains { $0.path == path && $0.state == .inProgress }
    }

    /// RFC 8445 §6.1.2.1 and RFC 8863 §4: some component has no pair that works or still may, and time is up.
    private func conclusiveFailure() -> ICEFailure? {
        guard isChecking, awaitsChecks, gatherer.isSettled, session.sought.isEmpty else { return nil }
        // What a lite agent has lost it can't look for.
        let isOutOfTime = session.patienceEnd == nil || (isLite && failure != nil)
        guard isOutOfTime || (localCandidates.isEmpty && !gathersContinually) else { return nil }
        for component in components where component.selected == nil {
            let pairs = session.checklists.pairs.filter { $0.path == component.path }
            guard !pairs.contains(where: \.isPending) else { continue }
            if let failure { return failure }
            return isLite ? liteFailure() : failure(ofPairs: pairs)
        }
        return nil
    }

    /// What may help where no way was found.
    private var adviceOnRelays: String {
        if localCandidates.all.contains(where: { $0.candidate.kind == .relayed }) {
            return "not even the relay reaches the peer: look whether it is still there, and at a trace of its own"
        }
        guard configuration.servers.contains(where: { $0.parsed.contains { $0.service == .turn } }) else {
            return "add a TURN server to servers, as NATs and firewalls may let a relay alone through"
        }
        return "no TURN server has given a relay, which NATs and firewalls may need: look at the candidate errors"
    }

    private func failure(ofPairs pairs: [CheckPair]) -> ICEFailure {
        if pairs.contains(where: \.isRefused) {
            return ICEFailure(
                .checksFailed,
                "the peer refuses this agent's checks: the parameters that were signalled are not those of its session")
        }
        if !pairs.isEmpty {
            return ICEFailure(
                .checksFailed,
                "every pair was checked in vain (\(pairs.count)): \(adviceOnRelays)")
        }
        let hint =
            if localCandidates.isEmpty {
                "this side has no candidates: look at the candidate errors"
            } else if !session.remoteCandidates.all.isEmpty {
                "no local candidate fits one of the peer's: compare address families, and add STUN or TURN servers"
            } else if counters.ignoredCandidates > 0 {
                "all of the peer's candidates were ignored, as those of TCP are without .tcp in transports: a trace tells"
            } else {
                "the peer has told no candidates: look whether they are signalled, and whether it gathers any"
            }
        return ICEFailure(.noCandidatePairs, hint)
    }
}
