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
        all.append(.tcp(.passive))
        if wanted.contains(.simultaneousOpen), !isLite { all.append(.tcp(.simultaneousOpen)) }
        return all
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

    /// RFC 6544 §8: "If there are TCP candidates for a media stream, a controlling agent MUST use the regular selection algorithm."
    var nomination: ICEConfiguration.Nomination { usesTCP ? .regular : configuration.nomination }

    // MARK: Connections

    /// A connection to an address is gone, or could not be made.
    ///
    /// - Parameter wasConnected: Whether there was one.
    package mutating func disconnected(
        _ remote: TransportAddress, from socket: SocketID, _ error: NetworkError, wasConnected: Bool, now: Instant
    ) {
        guard state != .closed else { return }
        if let finding = gatherer.unreachable(remote, from: socket, error) { take(finding) }
        let affected = session.checks.all.filter { $0.socket == socket && $0.destination == remote && !$0.isCancelled }
        for check in affected { fail(check, PairFailure(error), at: now) }
        for pair in pairs where pair.socket == socket && pair.destination == remote && pair.state == .succeeded {
            lost(pair, error, mayReopen: wasConnected, at: now)
        }
        settle(at: now)
    }

    /// RFC 6544 §11.1: of a pair in use, who opened the connection "MUST reopen a connection to the remote candidate of the selected pair",
    /// with a check, and the other one "MUST await an incoming connection request". Consent finds out if none comes.
    private mutating func lost(_ pair: CheckPair, _ error: NetworkError, mayReopen: Bool, at now: Instant) {
        guard
            let index = components.firstIndex(where: {
                $0.selected?.id == pair.id && $0.selected?.generation == session.generation
            })
        else { return fail(pair, PairFailure(error)) }
        let isOpener = pair.local.candidate.transport != .tcp(.passive)
        if isOpener, mayReopen {
            // The peer knows this end by another port from now on: where we decide, it is told to use it.
            sendCheck(on: pair, for: role == .controlling ? .confirmation : .keepalive, at: now)
        } else if isOpener {
            losePath(ofComponentAt: index, PairFailure(error), ICEFailure(.checksFailed, error.description), at: now)
        } else {
            components[index].selected?.lostConnectionAt = now
        }
    }

    /// Pairs over connections one of which may have been opened in the place of a lost one, of whose end this side may not know yet.
    func reopened(insteadOf selected: SelectedPath) -> [CheckPair] {
        guard selected.lostConnectionAt != nil || selected.upkeep?.liveness.isAsking == true else { return [] }
        return session.checklists.pairs.filter {
            $0.path == selected.pair.path && $0.id != selected.id && $0.local.candidate.transport == .tcp(.passive)
                && $0.state != .failed
        }
    }

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
    }

    private mutating func disconnectUnused(of path: StreamComponent) {
        guard usesTCP, isConcluded(path) else { return }
        let kept = session.checklists.pairs.filter { $0.path == path }.map { ($0.socket, $0.destination) }
        let used = components.compactMap(\.selected).map { ($0.socket, $0.destination) }
        for socket in sockets where socket.path == path && socket.transport.isTCP {
            emit(.disconnect(socket.id, except: (kept + used).filter { $0.0 == socket.id }.map(\.1)))
        }
    }
}
