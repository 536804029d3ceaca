package import NetBase

// Ports that are mapped on the NAT in front of this machine on request: the address there is a server-reflexive candidate that no
// STUN server was needed for.
extension ICEAgent {
    /// Has the ports of all sockets mapped, and tells anew of those that are.
    mutating func mapPorts() {
        for socket in sockets where socket.base != nil { mapPort(of: socket.id) }
    }

    /// Has a socket's port mapped, or tells of the mapping that it has from an earlier generation.
    mutating func mapPort(of id: SocketID) {
        guard mapsPorts, !usesRelaysOnly, !isLite,
            sockets.contains(where: { $0.id == id && !$0.isRelay && $0.transport == .udp })
        else { return }
        if gatherer.mappings.ask(for: id) {
            emit(.mapPort(id))
        } else if let address = gatherer.mappings.address(of: id) {
            announce(mapping: address, of: id)
        }
    }

    /// A socket is reached at this address, for as long as nothing else is told.
    package mutating func portMapped(_ id: SocketID, to address: TransportAddress, now: Instant) {
        guard state != .closed else { return }
        let former = gatherer.mappings.update(id, to: address)
        guard former != address else { return settle(at: now) }
        if let former { withdraw(mapping: former, of: id, at: now) }
        announce(mapping: address, of: id)
        settle(at: now)
    }

    /// There is no mapping of a socket's port, or none any more.
    ///
    /// - Parameter reason: What the application is told, once in a generation; nil where nobody maps such ports.
    package mutating func portUnmapped(_ id: SocketID, reason: String?, now: Instant) {
        guard state != .closed else { return }
        if let former = gatherer.mappings.update(id, to: nil) { withdraw(mapping: former, of: id, at: now) }
        if let reason, gatherer.state == .gathering, gatherer.mappings.mayReport() {
            tell(.candidateError(CandidateError(url: "", code: CandidateError.unreachable, text: reason)))
        }
        settle(at: now)
    }

    private mutating func announce(mapping address: TransportAddress, of id: SocketID) {
        // What comes behind the end of candidates is kept for the next generation.
        guard gatherer.state == .gathering,
            let found = localCandidates.addServerReflexive(address, on: id, server: nil),
            mayStillSignal(found.candidate.path)
        else { return }
        announce(found)
    }

    /// Pairs are left alone: what is sent to the peer needs no mapping, and consent finds out what does not work any more.
    private mutating func withdraw(mapping address: TransportAddress, of id: SocketID, at now: Instant) {
        // One that a server has shown as well is the NAT's own.
        let lost = localCandidates.all.first { local in
            local.socket == id && local.gathered.kind == .serverReflexive && local.gathered.address == address
                && local.server == nil
        }
        guard gathersContinually, let lost else { return }
        let isTold = signalledCandidates.contains(lost.candidate.shown)
        localCandidates.removeAll { $0 == lost }
        session.conveyed.removeAll { $0.socket == id && $0.gathered == lost.gathered }
        if isTold { tell(.candidateRemoved(lost.candidate)) }
        gatherer.askForMappings(of: lost.candidate.path, timeout: configuration.gatheringTimeout, at: now)
    }
}
