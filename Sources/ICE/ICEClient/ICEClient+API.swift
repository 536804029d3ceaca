public import ICECore
import NetBase

// MARK: - Gathering and checking

extension ICEClient {
    /// Adds a stream with components 1 to `components` (1 to 256); without a call there is one stream with one component.
    ///
    /// - Throws: ``ICEError/Code/gatheringHasBegun``, ``ICEError/Code/closed``.
    @discardableResult
    public func addStream(components: Int = 1) throws(ICEError) -> StreamID {
        try requireOpen()
        guard gatheringState == .new else {
            throw ICEError(.gatheringHasBegun, "add all streams before gatherCandidates()")
        }
        return agent.addStream(components: components)
    }

    /// Starts gathering: local addresses at once, STUN servers beside them, driven by the loop (RFC 8445 §5.1.1).
    ///
    /// ``onCandidate`` fires for each candidate and once with nil at the end. A second call does nothing.
    public func gatherCandidates() {
        guard gatheringState == .new, !isClosed else { return }
        let addresses = usableAddresses()
        let isAttached = permitsAttachedRelay
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
        dropGatheringEvents()
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

    /// The peer's candidates so far, those included that only its checks have shown.
    public var remoteCandidates: [Candidate] { agent.remoteCandidates }

    /// Takes the peer's credentials and abilities, before or after its candidates and checks.
    ///
    /// - Throws: ``ICEError/Code/remoteParametersAlreadySet`` if this generation has other ones, ``ICEError/Code/closed``.
    public func setRemoteParameters(_ parameters: ICEParameters) throws(ICEError) {
        try requireOpen()
        guard input({ $0.setRemote(parameters, now: $1) }) else {
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
    /// - Throws: ``ICESyntaxError`` for what is no candidate line; nothing has changed then. Well-formed lines of unknown types,
    ///   transports or kinds of address are ignored and counted (RFC 8839 §5.1).
    public func addRemoteCandidate(_ line: String, stream: StreamID = StreamID(0)) throws(ICESyntaxError) {
        guard line.contains(where: { !$0.isWhitespace }) else {
            addRemoteCandidate(nil)
            return
        }
        do {
            var candidate = try Candidate(line)
            candidate.stream = stream
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
    public var candidatePairs: [CandidatePair] { agent.pairs.map(\.description) }

    func requireOpen() throws(ICEError) {
        if isClosed { throw ICEError.closed }
    }
}

// MARK: - Data

extension ICEClient {
    /// Sends one datagram to the peer over the component's selected pair.
    ///
    /// - Throws: ``ICEError`` with code `closed`, `notConnected`, `wouldBlock` or `messageTooLarge`. As with any datagram, no error does
    ///   not mean that it arrives.
    public func send(_ bytes: Span<UInt8>, on path: StreamComponent = .first) throws(ICEError) {
        guard let index = paths.firstIndex(where: { $0.path == path }) else {
            try requireOpen()
            throw ICEError.notConnected(path)
        }
        noteSent(onPathAt: index)
        do {
            try paths[index].socket.send(bytes, to: paths[index].destination)
            countSent(bytes.count, on: path, at: index)
        } catch {
            countDiscarded(bytes.count, on: path, at: index)
            switch error.code {
            case .wouldBlock: throw ICEError(.wouldBlock, "the socket's buffer is full; send again later")
            case .messageTooLarge: throw ICEError(.messageTooLarge, "\(bytes.count) bytes do not fit into one datagram")
            // Lost on the way, as datagrams are: checks and consent find out whether the path is gone.
            default: break
            }
        }
    }

    /// Sends one datagram with these bytes.
    public func send(_ bytes: [UInt8], on path: StreamComponent = .first) throws(ICEError) {
        try send(bytes.span, on: path)
    }

    /// Sends one datagram with the text's UTF-8.
    public func send(_ text: String, on path: StreamComponent = .first) throws(ICEError) {
        try send(Array(text.utf8), on: path)
    }
}
