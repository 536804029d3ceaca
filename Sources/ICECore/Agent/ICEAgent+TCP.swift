package import NetBase

// Candidates that are reached over TCP (RFC 6544).
extension ICEAgent {
    var usesTCP: Bool { configuration.transports.contains(.tcp) }

    /// What is opened on each address. RFC 6544 §4.4: a lite agent has "only passive host candidates".
    var socketTransports: [Candidate.Transport] {
        let wanted = configuration.transports
        // Relays are asked for from one socket, or over streams from the address of one.
        if usesRelaysOnly { return wanted.contains(.udp) ? [.udp] : [.tcp(.active)] }
        var all: [Candidate.Transport] = wanted.contains(.udp) ? [.udp] : []
        guard usesTCP else { return all }
        if !isLite { all.append(.tcp(.active)) }
        guard !hidesHosts || mayLearnMappedPorts else { return all }
        all.append(.tcp(.passive))
        if wanted.contains(.simultaneousOpen), !isLite { all.append(.tcp(.simultaneousOpen)) }
        return all
    }

    /// Whether there is a STUN server to show how a TCP port is reached. An address that is not told itself has no open port without one.
    private var mayLearnMappedPorts: Bool {
        !isLite && permittedServers.contains { Gatherer.Reach.connections.includes($0) }
    }

    /// A port of an address that is not told itself is open for what STUN servers see of it; where they saw nothing, nobody is to find it.
    mutating func closeUntoldPorts() {
        guard hidesHosts, usesTCP else { return }
        let untold = sockets.filter { socket in
            socket.transport.listens && !mayAnswer(on: socket.id) && socket.base != nil
        }.map(\.id)
        guard !untold.isEmpty else { return }
        localCandidates.removeAll { untold.contains($0.socket) }
        sockets.removeAll { untold.contains($0.id) }
        for id in untold { emit(.closeSocket(id)) }
    }

    /// What relays speak with peers.
    var relayedTransports: [RelayedTransport] {
        guard usesTCP, configuration.transports.contains(.relayedTCP) else { return [.udp] }
        return configuration.transports.contains(.udp) ? [.udp, .tcp] : [.tcp]
    }

    /// Which servers are asked from a socket. One socket an address is enough for servers that are asked over streams.
    func reach(of transport: Candidate.Transport) -> Gatherer.Reach {
        switch transport {
        case .udp: .all
        case .tcp(.active): configuration.transports.contains(.udp) ? .nothing : .streams
        case .tcp(.passive), .tcp(.simultaneousOpen): .connections
        }
    }

    /// Whether candidates of the peer's with that transport are of use; those for UDP always, as relays have them.
    func isInUse(_ transport: Candidate.Transport) -> Bool {
        switch transport {
        case .udp: true
        case .tcp(.active), .tcp(.passive): usesTCP
        case .tcp(.simultaneousOpen): usesTCP && configuration.transports.contains(.simultaneousOpen)
        }
    }

    /// What a candidate is that only a check to a socket has shown.
    func transport(ofPeerOn socket: SocketID) -> Candidate.Transport {
        sockets.first { $0.id == socket }?.transport.counterpart ?? .udp
    }

    func isTCP(_ socket: SocketID) -> Bool { sockets.contains { $0.id == socket && $0.transport.isTCP } }

    /// RFC 6544 §8: "If there are TCP candidates for a media stream, a controlling agent MUST use the regular selection algorithm."
    var nomination: ICEConfiguration.Nomination { usesTCP ? .regular : configuration.nomination }

    /// Lets in whoever may connect to the relayed candidates of a component: from a passive one nobody is checked, which would do it.
    ///
    /// Any candidate of the peer's may show the address that it connects from, which its NAT gives to UDP and TCP alike. Whom the relay
    /// does not let in it is not asked about again, as this is gone through with each candidate that comes.
    mutating func letCallersIn(of path: StreamComponent) {
        guard usesTCP, session.hasRemote, mayStillCheck(path) else { return }
        for local in session.conveyed where local.candidate.path == path && local.awaitsCallersAtRelay {
            let callers = Array(session.remoteCandidates.candidates(of: path))
            guard callers.contains(where: { $0.transport.isTCP }) else { return }
            for caller in callers where caller.hostName == nil && caller.address.family == local.base.family {
                let permission = RelayPermission(relay: local.socket, peer: caller.address.ip)
                if !session.refusedPermissions.contains(permission) { permit(caller.address.ip, on: local) }
            }
        }
    }

    // MARK: Connections

    /// What was sent to an address is on its way: the connection is up, or has just come up.
    package mutating func handedOver(to remote: TransportAddress, from socket: SocketID, now: Instant) {
        session.checks.noteHandedOver(to: remote, from: socket, at: now)
    }

    /// RFC 6544 §7.1 leaves it to TCP to repeat what gets lost. But who gets a check before he has our credentials, as at a restart, may
    /// drop it without a word, and would never be asked again: so fresh checks follow one that is not answered, ever later.
    func patience(
        with pair: CheckPair, _ purpose: OutgoingCheck.Purpose, after former: OutgoingCheck?
    ) -> Duration? {
        guard pair.local.candidate.transport.isTCP, purpose == .connectivity else { return nil }
        return former?.patience.map { $0 * 2 } ?? Self.firstPatience
    }

    /// Signalling is mostly quicker. The following ones go 3, 7, 15 and 31 s after the first.
    private static let firstPatience = Duration.seconds(1)

    /// A connection to an address is gone, or could not be made.
    ///
    /// - Parameter wasConnected: Whether there was one.
    package mutating func disconnected(
        _ remote: TransportAddress, from socket: SocketID, _ error: NetworkError, wasConnected: Bool, now: Instant
    ) {
        guard state != .closed else { return }
        if let finding = gatherer.unreachable(remote, from: socket, error) { take(finding) }
        if error.isEnd { reopenLater(remote, from: socket, at: now) }
        let affected = session.checks.all.filter {
            $0.socket == socket && $0.destination == remote && $0.reopening == nil
        }
        // No answer can come any more, whatever they were for.
        session.checks.removeAll { $0.socket == socket && $0.destination == remote && $0.reopening == nil }
        for check in affected where !check.isCancelled && indexOfComponent(using: check.pair) == nil {
            fail(check, PairFailure(error), at: now)
        }
        for pair in pairs where pair.socket == socket && pair.destination == remote && pair.state == .succeeded {
            lost(pair, error, mayReopen: wasConnected, at: now)
        }
        settle(at: now)
    }

    /// A relay closes a connection "immediately after it has been accepted" where its client has not let the other end in (RFC 6062 §5.3),
    /// which the peer may just be about to do: over UDP the check would be repeated.
    private mutating func reopenLater(_ remote: TransportAddress, from socket: SocketID, at now: Instant) {
        let pairs = session.checklists.pairs.filter {
            $0.socket == socket && $0.destination == remote && $0.remote.kind == .relayed && $0.state == .inProgress
        }.map(\.id)
        session.checks.reopen(at: now) { pairs.contains($0.pair) }
    }

    private func indexOfComponent(using pair: PairID) -> Int? {
        components.firstIndex { $0.selected?.id == pair && $0.selected?.generation == session.generation }
    }

    /// RFC 6544 §11.1: of a pair in use, who opened the connection "MUST reopen a connection to the remote candidate of the selected pair",
    /// with a check, and the other one "MUST await an incoming connection request". Consent finds out if none comes.
    ///
    /// One that ends as soon as it is there is given up: nobody is to be connected to without end.
    private mutating func lost(_ pair: CheckPair, _ error: NetworkError, mayReopen: Bool, at now: Instant) {
        guard let index = indexOfComponent(using: pair.id), let selected = components[index].selected else {
            return fail(pair, PairFailure(error))
        }
        guard pair.local.candidate.transport != .tcp(.passive) else {
            components[index].selected?.connectionLostAt = selected.connectionLostAt ?? now
            return
        }
        let isTooSoon = selected.connectionLostAt.map { now < $0 + Self.leastTimeBetweenConnections } ?? false
        guard mayReopen, !isTooSoon else {
            let reason = ICEFailure(.checksFailed, error.description)
            return losePath(ofComponentAt: index, PairFailure(error), reason, at: now)
        }
        components[index].selected?.connectionLostAt = now
        // The peer knows this end by another port from now on: where we have decided, it is told to use it.
        let isChosen = role == .controlling && isConcluded(pair.path)
        sendCheck(on: pair, for: isChosen ? .confirmation : .keepalive, at: now)
    }

    /// A pair is connected again no more often than this.
    private static let leastTimeBetweenConnections = Duration.seconds(1)

    /// RFC 6544 §8: "When ICE processing for a media stream completes, each agent SHOULD close all TCP connections […] except the ones between
    /// the candidate pairs selected by ICE." As with all that is freed, three seconds later (RFC 8445 §8.3): what the peer has sent over another
    /// one before it knew which is selected would be lost.
    mutating func scheduleDisconnection(at now: Instant) {
        if usesTCP { connectionRelease = now + Self.releaseDelay }
    }

    mutating func releaseConnections(at now: Instant) {
        guard let due = connectionRelease, now >= due else { return }
        connectionRelease = nil
        for component in components { disconnectUnused(of: component.path) }
        closeRetiredSockets()
    }

    private mutating func disconnectUnused(of path: StreamComponent) {
        guard usesTCP, isConcluded(path) else { return }
        for socket in sockets where socket.path == path && socket.transport.isTCP { disconnect(socket) { _ in true } }
    }

    /// The connection that was opened for a pair has nothing to wait for once that has failed.
    mutating func disconnect(failed pair: CheckPair) {
        guard pair.local.candidate.transport == .tcp(.active),
            let socket = sockets.first(where: { $0.id == pair.socket })
        else { return }
        disconnect(socket) { $0.state != .failed }
    }

    private mutating func disconnect(_ socket: Socket, exceptPairsThat mayStay: (CheckPair) -> Bool) {
        let kept = session.checklists.pairs.filter { $0.socket == socket.id && mayStay($0) }.map(\.destination)
        let used = components.compactMap(\.selected).filter { $0.socket == socket.id }.map(\.destination)
        emit(.disconnect(socket.id, except: kept + used))
    }

    // MARK: Restarts

    /// Each generation opens connections of its own: peers with one port for many calls hold a connection to the username fragment of its first
    /// check, and RFC 6544 §9.2 has an existing one reused for pairs of simultaneous-open candidates alone. What carries data stays until
    /// it is replaced, as it has to.
    mutating func renewActiveSockets() {
        // Where relays are asked for from its address, it stays.
        guard reach(of: .tcp(.active)) == .nothing || configuration.servers.isEmpty else { return }
        for index in sockets.indices where sockets[index].transport == .tcp(.active) && !sockets[index].isRetired {
            guard let ip = sockets[index].address, sockets[index].base != nil else { continue }
            let (old, id) = (sockets[index], makeSocketID())
            sockets[index].isRetired = true
            localCandidates.removeAll { $0.socket == old.id }
            sockets.append(
                Socket(id: id, path: old.path, transport: old.transport, rank: old.rank, base: nil, address: ip))
            emit(.openSocket(id, ip, old.transport, for: old.path))
        }
        closeRetiredSockets()
    }

    private mutating func closeRetiredSockets() {
        let used = components.compactMap(\.selected?.socket)
        let gone = sockets.filter { $0.isRetired && !used.contains($0.id) }.map(\.id)
        guard !gone.isEmpty else { return }
        expel { gone.contains($0.socket) }
        sockets.removeAll { gone.contains($0.id) }
        for id in gone { emit(.closeSocket(id)) }
    }

    // MARK: The peer's new connections

    /// Whether the peer may be opening a connection to a port of ours: it has candidates that do, and was told of one that takes it in.
    func expectsConnections(on path: StreamComponent) -> Bool {
        usesTCP
            && session.conveyed.contains { local in
                local.candidate.path == path && local.candidate.transport == .tcp(.passive)
                    && session.remoteCandidates.all.contains {
                        $0.path == path && $0.transport == .tcp(.active)
                            && $0.address.ip.family == local.candidate.address.ip.family
                    }
            }
    }

    /// Whether a pair beside the one in use is over a connection that the peer has opened, perhaps because it has lost that one: until it is
    /// known that this end has not, it stays.
    func mayReplace(_ used: SelectedPath, _ pair: CheckPair) -> Bool {
        guard pair.local.candidate.transport == .tcp(.passive), pair.state != .failed else { return false }
        return used.disconnectedAt != nil || used.upkeep?.liveness.isAsking ?? true
    }

    /// What takes the place of a path whose connection is gone: a pair that has answered since.
    func replacement(of used: SelectedPath) -> CheckPair? {
        guard let gone = used.disconnectedAt, used.generation == session.generation else { return nil }
        return session.checklists.pairs.first {
            $0.path == used.pair.path && $0.id != used.id && $0.state == .succeeded
                && ($0.valid?.confirmedAt ?? gone) >= gone
        }
    }

    /// The path in use has answered: pairs that were to replace it are of no use.
    mutating func forgetReplacements(of used: SelectedPath, at now: Instant) {
        let others = session.checklists.pairs.contains {
            $0.path == used.pair.path && $0.id != used.id && $0.local.candidate.transport == .tcp(.passive)
        }
        if usesTCP, others { keepBackups(of: used.pair.path, at: now) }
    }
}

extension NetworkError {
    /// Whether a connection was there that the other end has closed.
    fileprivate var isEnd: Bool { code == .endOfStream || code == .connectionReset }
}

extension LocalCandidate {
    /// Whether it is a relayed address that peers connect to.
    fileprivate var awaitsCallersAtRelay: Bool {
        candidate.kind == .relayed && candidate.transport == .tcp(.passive)
    }
}
