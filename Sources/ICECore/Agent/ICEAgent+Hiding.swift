import NetBase

// What the application, its logs and its traces see: everything but the addresses that names stand for.
extension ICEAgent {
    /// Whether addresses of the peer are hidden that only its checks have shown: they may be those that it has named, or will
    /// (draft-ietf-mmusic-mdns-ice-candidates §3.3). A peer that tells a host address as such does not mind.
    var hidesLearned: Bool {
        switch configuration.multicastDNS {
        case .off: false
        case .resolve: peerHides || !peerShows
        case .publish: true
        }
    }

    /// Whether some of a candidate is not to be seen.
    private func hides(_ candidate: Candidate) -> Bool {
        candidate.hostName != nil || (hidesLearned && candidate.alias != nil && candidate.kind == .peerReflexive)
    }

    /// Whether some of an event is not to be seen.
    func hides(_ event: borrowing AgentEvent) -> Bool {
        switch event {
        case .candidate(let candidate), .candidateRemoved(let candidate): hides(candidate)
        case .pairNominated(let pair), .pairFailed(let pair, _), .selectedPair(let pair):
            hides(pair.local) || hides(pair.remote)
        case .candidateError, .gatheringState, .restartNeeded, .state, .trace: false
        }
    }

    /// A candidate of either side as it may be seen.
    package func shown(_ candidate: Candidate) -> Candidate {
        if candidate.hostName != nil { return candidate.shown }
        guard hidesLearned, candidate.alias != nil, candidate.kind == .peerReflexive else { return candidate }
        return candidate.hidden(atPort: Self.hiddenPort)
    }

    /// RFC 8839 §5.1 has port 9, the discard service's, where nothing is told.
    private static let hiddenPort: UInt16 = 9

    func shown(_ pair: CandidatePair) -> CandidatePair {
        let (local, remote) = (shown(pair.local), shown(pair.remote))
        guard local != pair.local || remote != pair.remote else { return pair }
        return CandidatePair(
            path: pair.path, local: local, remote: remote, priority: pair.priority, isNominated: pair.isNominated,
            pairID: pair.pairID)
    }

    func shown(_ event: AgentEvent) -> AgentEvent {
        switch event {
        case .candidate(let candidate): .candidate(shown(candidate))
        case .candidateRemoved(let candidate): .candidateRemoved(shown(candidate))
        case .pairNominated(let pair): .pairNominated(shown(pair))
        case .pairFailed(let pair, let failure): .pairFailed(shown(pair), failure)
        case .selectedPair(let pair): .selectedPair(shown(pair))
        case .candidateError, .gatheringState, .restartNeeded, .state, .trace: event
        }
    }

    /// A failure without the addresses of its pair that are hidden.
    func shown(_ failure: PairFailure, on pair: CheckPair) -> PairFailure {
        let remote = shown(pair.remote)
        guard remote != pair.remote else { return failure }
        var message = failure.message
        for address in [pair.destination, pair.remote.address] {
            message = message.replacing("\(address)", with: remote.place)
            message = message.replacing("\(address.ip)", with: remote.host)
        }
        return PairFailure(failure.code, message)
    }

    func shown(_ event: ICETraceEvent) -> ICETraceEvent {
        var event = event
        event.candidate = event.candidate.map { shown($0) }
        event.pair = event.pair.map { shown($0) }
        guard hidesLearned else { return event }
        event.source = event.source.map { shown($0) }
        event.destination = event.destination.map { shown($0) }
        return event
    }

    /// Where a message came from or went, if the peer has told it.
    private func shown(_ address: TransportAddress) -> TransportAddress {
        let known = session.remoteCandidates.all.first { $0.address == address.unscoped }
        if let known, shown(known) == known { return address }
        return TransportAddress(.any(.v4), port: known?.hostName == nil ? Self.hiddenPort : address.port)
    }
}
