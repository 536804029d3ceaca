package import NetBase

extension ICEAgent {
    /// Begins a new generation (RFC 8445 §9): new credentials, all candidates signalled again, the role kept.
    ///
    /// Data goes on over the present pairs until the new generation has nominated its own.
    ///
    /// - Parameter attachedRelay: Whether the application has attached a TURN client that is not in use yet, or not any more.
    package mutating func restart(attachedRelay: Bool = false, now: Instant) {
        guard state != .closed else { return }
        keepPairsInUse()
        session = Session(
            generation: session.generation + 1, local: Credentials(using: &generator),
            streams: session.checklists.lists.map(\.stream))
        traceRestart()
        loseStrandedRelays(at: now)
        for index in components.indices {
            components[index].nominationNumber = 0
            components[index].movedAt = nil
            guard components[index].presumed != nil else { continue }
            components[index].presumed = nil
            if components[index].selected == nil { emit(.dropPath(components[index].path)) }
        }
        localCandidates.removeAll { $0.candidate.kind != .host && $0.candidate.kind != .relayed }
        relayRelease = nil
        failure = nil
        if state == .failed || state == .disconnected {
            state = .checking
            tell(.state(.checking, nil))
        }
        if gatherer.state != .new {
            renewActiveSockets()
            gatherAgain(attachedRelay: attachedRelay, at: now)
        }
        settle(at: now)
    }

    /// The sockets stay; their host candidates are told again and the servers are asked again.
    private mutating func gatherAgain(attachedRelay: Bool, at now: Instant) {
        let attachedRelay = attachedRelay && !isLite
        let opening = sockets.filter { $0.base == nil }.count + (attachedRelay ? 1 : 0)
        beginGathering(openingSockets: opening, at: now)
        let unconfirmed = Set(gatherer.unconfirmedRelays)
        for local in localCandidates.all {
            let allocation = sockets.first { $0.id == local.socket }?.allocation
            if allocation.map(unconfirmed.contains) != true { announce(local) }
        }
        for socket in sockets where !socket.isRelay {
            guard let base = socket.base else { continue }
            gatherer.addSocket(socket.id, base: base, path: socket.path, reach: reach(of: socket.transport))
        }
        mapPorts()
        if attachedRelay, let first = components.first { openAttachedRelay(for: first.path) }
    }
}
