package import NetBase

// Addresses that come and go while the session lasts (RFC 8445 §5.1.1.4, §9; continual gathering).
extension ICEAgent {
    /// Whether gathering goes on; a lite agent is where it is.
    var gathersContinually: Bool { configuration.gatheringPolicy == .continually && !isLite }

    /// What the peer is told of the network that a socket of this machine stands on.
    func networkInfo(of socket: Socket) -> NetworkInfo? {
        // Where the machine's own addresses are not to be shown, nor is how many networks it has.
        guard configuration.addressExposure == .all, !usesRelaysOnly else { return nil }
        return socket.address.flatMap { network.info(of: $0) }
    }

    func chosenAddresses(among addresses: [InterfaceAddress]) -> ArraySlice<IPAddress> {
        let policy = AddressPolicy(includesLoopback: configuration.includesLoopback, only: configuration.localAddresses)
        return policy.select(from: addresses).prefix(max(1, configuration.maximumLocalCandidates))
    }

    /// The machine's addresses have changed: new ones are gathered, and what stood on those that are gone is withdrawn.
    ///
    /// - Parameters:
    ///   - usable: The addresses that may be used.
    ///   - present: All the machine has: an address that is deprecated, or not to be used any more, still carries what it carried.
    package mutating func networkChanged(usable: [InterfaceAddress], present: [InterfaceAddress], now: Instant) {
        guard gathersContinually, gatherer.state != .new, state != .closed else { return }
        let present = Set(present.map(\.ip))
        network.changed(to: usable)
        withdraw(sockets.filter { socket in socket.address.map { !present.contains($0) } ?? false }, at: now)
        gatherNewAddresses(at: now)
        moveStrandedRelays(at: now)
        settle(at: now)
    }

    mutating func advanceNetwork(to now: Instant) {
        loseStrandedRelays(at: now) { network, relay in network.hasWaited(relay, at: now) }
        if let review = network.review, now >= review { gatherNewAddresses(at: now) }
        guard let retry = network.retryTime, now >= retry else { return }
        network.retried()
        guard mayRetry, state != .failed else { return }
        // A look-up that is under way would begin anew.
        let unnamed = gatherer.retryFailed(
            asksForRelays: !isConcluded, timeout: configuration.gatheringTimeout, at: now)
        for server in unnamed { emit(.resolve(server: server.index, host: server.host)) }
    }

    /// Servers that failed are asked again later; for relays only as long as a path is looked for.
    mutating func scheduleRetry(at now: Instant) {
        guard gathersContinually else { return }
        network.note(hasPath: isConnected, at: now)
        guard mayRetry, state != .failed, gatherer.hasFailed(asksForRelays: !isConcluded) else { return }
        network.scheduleRetry(at: now, isUrgent: hasNoPath)
    }

    /// Without a path, a server that refuses for a moment does not wait for those that will never answer.
    private var mayRetry: Bool { gatherer.isSettled || hasNoPath && gatherer.state == .gathering }

    private var hasNoPath: Bool { !isConnected && state != .new }

    /// Until when a route that the system does not know may follow a socket's address; nil for one that was there from the beginning.
    package func routesDue(for id: SocketID) -> Instant? {
        sockets.first { $0.id == id }?.address.flatMap { network.routesDue(for: $0) }
    }

    private var isConcluded: Bool { components.allSatisfy { isConcluded($0.path) } }

    // MARK: Coming

    private mutating func gatherNewAddresses(at now: Instant) {
        network.review = nil
        for (rank, ip) in chosenAddresses(among: network.usable).enumerated() {
            let taken = sockets.filter { $0.address == ip }
            let missing = components.flatMap { component in
                socketTransports.filter { transport in
                    !taken.contains { $0.path == component.path && $0.transport == transport }
                }.map { (path: component.path, transport: $0) }
            }
            guard !missing.isEmpty else { continue }
            if let ready = network.readyTime(of: ip), ready > now {
                network.retry(ip)
                continue
            }
            network.hold(ip, isArrival: true, at: now)
            network.resetRetries()
            gatherer.extend(openingSockets: missing.count, timeout: configuration.gatheringTimeout, at: now)
            for (path, transport) in missing { openSocket(over: transport, on: ip, for: path, rank: rank) }
        }
    }

    // MARK: Going

    private mutating func withdraw(_ gone: [Socket], at now: Instant) {
        guard !gone.isEmpty else { return }
        forgetPairsOfClosedSockets()
        var dead = gone.map(\.id)
        for socket in gone where socket.base == nil { gatherer.socketFailed() }
        let relays = gatherer.forget(Set(dead))
        for relay in relays.stranded { emit(.holdRelay(relay)) }
        for relay in relays.gone {
            let relayed = sockets.filter { $0.allocation == relay }.map(\.id)
            dead += relayed.isEmpty ? [relay] : relayed
        }
        loseSockets(dead, at: now)
        let told = Set(signalledCandidates)
        let candidates = localCandidates.all.filter { dead.contains($0.socket) }.map(\.candidate)
        localCandidates.removeAll { dead.contains($0.socket) }
        localCandidates.forgetUnusedFoundations()
        session.conveyed.removeAll { dead.contains($0.socket) }
        permissions = permissions.filter { !dead.contains($0.relay) }
        sockets.removeAll { dead.contains($0.id) }
        // Relays go first: what frees them is sent from the sockets that they were asked for with.
        for id in dead.reversed() { emit(.closeSocket(id)) }
        unpublishNames()
        for candidate in candidates where told.contains(candidate.shown) { tell(.candidateRemoved(candidate)) }
    }

    /// The pairs that stand by fail first, so that none of them is chosen in place of one in use.
    private mutating func loseSockets(_ dead: [SocketID], at now: Instant) {
        expel { dead.contains($0.socket) }
        let failure = PairFailure(.addressLost, "the local address is gone")
        let used = components.compactMap(\.selected?.id)
        for pair in pairs where dead.contains(pair.socket) && pair.state != .failed && !used.contains(pair.id) {
            fail(pair, failure)
        }
        for index in components.indices {
            guard let selected = components[index].selected, dead.contains(selected.socket) else { continue }
            let reason = ICEFailure(
                .addressLost, "\(selected.pair.local.host) is gone; restart ICE to find another way")
            losePath(ofComponentAt: index, failure, reason, restart: .addressLost, at: now)
            tellPeerOfMove(ofComponentAt: index, at: now)
            // Another address may come, and the peer may find this agent there.
            if components[index].selected == nil { session.patienceEnd = now + configuration.patienceInterval }
        }
    }

    /// A controlling agent nominates the pair that stands in; a controlled one can only make the peer look.
    private mutating func tellPeerOfMove(ofComponentAt index: Int, at now: Instant) {
        guard role == .controlled, let path = components[index].selected, path.generation == session.generation,
            let pair = session.checklists[path.id]
        else { return }
        sendCheck(on: pair, for: .keepalive, at: now)
    }

    /// A check beside the pair in use may say that the peer has lost that one, which is asked at once.
    mutating func noteCheck(besidePathInUse id: PairID, at now: Instant) {
        guard gathersContinually, role == .controlling, !components.contains(where: { $0.selected?.id == id }),
            let pair = session.checklists[id], pair.state == .succeeded, isConcluded(pair.path)
        else { return }
        if let index = components.firstIndex(where: { $0.path == pair.path }) {
            // With data that goes unanswered, or a peer that is asked already, it is more than the care for a backup.
            let isInDoubt = components[index].selected?.upkeep?.liveness.isMissingReply == true
            if isInDoubt { components[index].selected?.peerMovedTo = pair.id }
        }
        noteNewAddress(of: pair.path, at: now)
    }

    /// What failed with sockets that went earlier has been told of, and is of no use any more.
    private mutating func forgetPairsOfClosedSockets() {
        let open = Set(sockets.map(\.id))
        for stream in session.checklists.lists.map(\.stream) {
            session.checklists.withList(stream) { list in
                list.remove { $0.state == .failed && !open.contains($0.socket) }
            }
        }
        session.nominated.keep(only: Set(session.checklists.pairs.map(\.id)))
    }

    // MARK: The peer's candidates

    /// A peer that roams has ever new candidates: over the limit, the oldest one whose pairs have all failed makes room.
    mutating func forgetDeadRemote(isLearned: Bool) -> Bool {
        guard gathersContinually else { return false }
        let alive = Set(session.checklists.pairs.filter { $0.state != .failed }.map(\.remote.address))
        let used = Set(components.compactMap(\.selected?.pair.remote.address))
        let dead = session.remoteCandidates.all.first { known in
            (known.kind == .peerReflexive) == isLearned && !alive.contains(known.address)
                && !used.contains(known.address)
        }
        guard let dead else { return false }
        return session.remoteCandidates.removeAll { $0 == dead } > 0
    }
}
