public import ICECore
import NetBase

// MARK: - Gathering and checking

extension ICEClient {
    /// Adds a stream with components 1 to `components` (1 to 256); without a call there is one stream with one component.
    ///
    /// Once gathering has begun, the new stream alone is gathered for and checked, under the credentials there are, and the others go on
    /// as they are: ``onCandidate`` tells its candidates, then nil again. Signal it to the peer, which adds it too before it takes
    /// candidates for it. Until the stream is connected the ``state`` is `checking`, from `completed` as well.
    ///
    /// - Throws: ``ICEError/Code/closed``.
    @discardableResult
    public func addStream(components: Int = 1) throws(ICEError) -> StreamID {
        try requireOpen()
        guard gatheringState != .new else { return agent.addStream(components: components) }
        let addresses = usableAddresses()
        return input { $0.addStream(components: components, over: addresses, now: $1) }
    }

    /// Ends a stream: its sockets are closed, its relays freed, and the ``state`` is that of the others. Its position is not used again.
    ///
    /// Does nothing for a stream that is not there. The peer is not told: signal it.
    public func removeStream(_ stream: StreamID) {
        remove { $0.stream == stream }
    }

    /// Ends one component of a stream, such as the second one when the peer has agreed to `a=rtcp-mux`.
    ///
    /// ``setRemoteDescription(_:)-(SessionDescription)`` does it by itself where both descriptions have `a=rtcp-mux`.
    public func removeComponent(_ path: StreamComponent) {
        remove { $0 == path }
    }

    private func remove(where shouldGo: (StreamComponent) -> Bool) {
        dropEvents(where: shouldGo)
        input { $0.remove(where: shouldGo, now: $1) }
    }

    /// Starts gathering: local addresses at once, STUN servers beside them, driven by the loop (RFC 8445 §5.1.1).
    ///
    /// ``onCandidate`` fires for each candidate and once with nil at the end, which ``ICEConfiguration/GatheringPolicy/continually`` never
    /// comes to. A second call does nothing.
    public func gatherCandidates() {
        guard gatheringState == .new, !isClosed else { return }
        let addresses = usableAddresses()
        let isAttached = permitsAttachedRelay
        watchNetwork()
        input { $0.gather(over: addresses, attachedRelay: isAttached, now: $1) }
    }

    /// Starts the checks over the pairs there are and those that come (RFC 8445 §6.1.4). Calling it again does nothing.
    public func processCandidates() {
        input { $0.startChecks(now: $1) }
    }

    /// Begins a new generation: new ``localParameters``, all candidates again, new remote parameters expected (RFC 8445 §9).
    ///
    /// Data goes on over the present pair until the new generation has nominated one. Gathering and checks that had begun go on by
    /// themselves: signal the new ``localParameters``, then the candidates that ``onCandidate`` tells. The peer has to call `restart()`
    /// too before it sets them.
    public func restart() {
        dropEventsOfGeneration()
        resetUnusedTraffic()
        let isAttached = permitsAttachedRelay && !relays.contains(where: \.isAttached)
        input { $0.restart(attachedRelay: isAttached, now: $1) }
    }
}

// MARK: - Signalling

extension ICEClient {
    /// The credentials and abilities to signal to the peer.
    public var localParameters: ICEParameters { agent.localParameters }

    /// What the peer signalled; nil until then.
    public var remoteParameters: ICEParameters? { agent.remoteParameters }

    /// The local candidates so far.
    public var localCandidates: [Candidate] { agent.signalledCandidates }

    /// The peer's candidates so far, those included that only its checks have shown; those with a name once it has been looked up.
    public var remoteCandidates: [Candidate] { agent.remoteCandidates }

    /// Takes the peer's credentials and abilities, before or after its candidates and checks.
    ///
    /// - Throws: ``ICEError/Code/remoteParametersAlreadySet`` if this generation has other ones, ``ICEError/Code/closed``.
    public func setRemoteParameters(_ parameters: ICEParameters) throws(ICEError) {
        try setRemoteParameters(parameters, streams: [:])
    }

    /// Takes the peer's credentials and abilities where some streams have credentials of their own (RFC 8839 §5.4).
    ///
    /// - Parameters:
    ///   - parameters: What the peer signalled for the session.
    ///   - own: Those of the streams that differ from `parameters`; of a stream that is added later they are taken by a further call,
    ///     before its candidates. The abilities are those of `parameters` for all.
    /// - Throws: As ``setRemoteParameters(_:)``; a single stream can't be restarted alone.
    public func setRemoteParameters(
        _ parameters: ICEParameters, streams own: [StreamID: ICEParameters]
    ) throws(ICEError) {
        try requireOpen()
        let sorted = own.sorted { $0.key < $1.key }.map { (stream: $0.key, parameters: $0.value) }
        guard input({ $0.setRemote(parameters, own: sorted, now: $1) }) else {
            throw ICEError(
                .remoteParametersAlreadySet,
                "the peer has restarted: call restart(), signal the new localParameters, set again")
        }
    }

    /// Adds a candidate of the peer at any time; nil says that there are no more (RFC 8838 §14).
    ///
    /// A candidate of a kind, transport or generation that the session does not use, or that ``shouldAcceptRemoteCandidate`` refuses, is
    /// ignored and counted.
    public func addRemoteCandidate(_ candidate: Candidate?) {
        if let candidate, let shouldAcceptRemoteCandidate, !shouldAcceptRemoteCandidate(candidate) {
            counted.ignoredCandidates += 1
            return
        }
        input { agent, now in
            if let candidate { agent.addRemote(candidate, now: now) } else { agent.remoteCandidatesEnded(now: now) }
        }
    }

    /// Adds a candidate line of the peer, with or without `a=`; an empty one says that there are no more.
    ///
    /// - Parameters:
    ///   - line: A line of RFC 8839 §5.1, or nothing but spaces.
    ///   - stream: The stream it is for; nil is the first one for a candidate, and all of them for the end of candidates.
    /// - Throws: ``ICESyntaxError`` for what is no candidate line; nothing has changed then. Well-formed lines of unknown types,
    ///   transports or kinds of address are ignored and counted (RFC 8839 §5.1).
    public func addRemoteCandidate(_ line: String, stream: StreamID? = nil) throws(ICESyntaxError) {
        guard line.contains(where: { !$0.isWhitespace }) else {
            input { $0.remoteCandidatesEnded(of: stream, now: $1) }
            return
        }
        do {
            var candidate = try Candidate(line)
            candidate.stream = stream ?? StreamID(0)
            addRemoteCandidate(candidate)
        } catch  where error.code == .unsupportedCandidate {
            counted.ignoredCandidates += 1
        }
    }
}

// MARK: - State

extension ICEClient {
    /// How far the session has come. It changes at once; the event follows on a later turn.
    public var state: ICEState { agent.state }

    /// Why the session failed; nil unless the state is ``ICEState/failed``.
    public var failure: ICEFailure? { agent.state == .failed ? agent.failure : nil }

    /// How far gathering has come. It changes at once; the event follows on a later turn.
    public var gatheringState: ICEGatheringState { agent.gatheringState }

    /// The role; a conflict with the peer's may have changed the configured one (RFC 8445 §7.3.1.1).
    public var role: Role { agent.role }

    /// The pair that carries a component's data, nominated or not yet.
    public func selectedPair(of path: StreamComponent = .first) -> CandidatePair? { agent.selectedPair(of: path) }

    /// All pairs of this generation, best first within a stream.
    public var candidatePairs: [CandidatePair] { agent.shownPairs }

    func requireOpen() throws(ICEError) {
        if isClosed { throw ICEError.closed }
    }
}
