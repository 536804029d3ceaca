import NetBase

// Gathering that goes on for as long as the session lasts: sockets come and go, and servers that failed are asked again.
extension Gatherer {
    /// Whether an answer, a name or a socket is waited for.
    var isUnderWay: Bool {
        openingSockets > 0 || !unresolvedServers.isEmpty || queries.contains(where: \.isPending) || relays.isPending
            || mappings.isPending
    }

    /// Whether a server, or the mapper of ports, may still show an address of this machine's.
    var expectsMappings: Bool {
        guard state == .gathering, !usesRelaysOnly else { return false }
        // An allocation shows it as well, where it is asked for from the candidate's own port.
        return mappings.isPending || queries.contains { $0.isPending && !$0.isOverTCP }
            || relays.all.contains { $0.isPending && $0.transport == .udp }
    }

    /// Whether all that there is to be found now has been found.
    var isSettled: Bool { state == .complete || (state == .gathering && isContinual && !isUnderWay) }

    /// Sockets are gone, and with them what was asked from them.
    ///
    /// - Returns: The allocations that are gone too, and those that wait for another address.
    mutating func forget(_ ids: Set<SocketID>) -> (gone: [SocketID], stranded: [SocketID]) {
        let gone = sockets.filter { ids.contains($0.id) }
        sockets.removeAll { ids.contains($0.id) }
        let stranded = strandRelays(relays.allocations(via: ids))
        for socket in gone {
            let others = sockets.filter { $0.path == socket.path && !$0.base.ip.isLoopback }
            for other in others { relays.rebase(from: socket.id, to: (other.id, other.base)) }
        }
        queries.removeAll { ids.contains($0.socket) }
        mappings.forget(ids)
        return (ids.sorted { $0.number < $1.number }.flatMap { relays.forget(via: $0) }, stranded)
    }

    /// Asks again what address a component's sockets are seen at: a NAT may have given them another.
    mutating func askForMappings(of path: StreamComponent, timeout: Duration, at now: Instant) {
        guard !usesRelaysOnly else { return }
        for (id, base, _, _) in sockets.filter({ $0.path == path && $0.reach == .all }) {
            for index in servers.indices where servers[index].url.transport == .udp {
                let ip = servers[index].addresses?.first { $0.family == base.family }
                guard let ip, Self.canReach(ip, from: base.ip) else { continue }
                let server = TransportAddress(ip, port: servers[index].url.port)
                if queries.contains(where: { $0.socket == id && $0.server == server && $0.isPending }) { continue }
                queries.removeAll { $0.socket == id && $0.server == server }
                queries.append(Query(socket: id, base: base, server: server, serverIndex: index))
            }
        }
        end = now + timeout
    }

    /// Whether a server has failed that may be asked again.
    ///
    /// - Parameter asksForRelays: Whether relays would be of use.
    func hasFailed(asksForRelays: Bool) -> Bool {
        servers.contains { $0.addresses?.isEmpty == true }
            || queries.contains { if case .failed = $0.state { true } else { false } }
            || (asksForRelays && relays.hasFailed)
    }

    /// Asks again what was not answered. What is still under way is waited for no longer than without that.
    ///
    /// - Returns: The servers whose names were not found and have to be resolved once more; those that still are, are not among them.
    mutating func retryFailed(
        asksForRelays: Bool, timeout: Duration, at now: Instant
    ) -> [(index: Int, host: String)] {
        if !isUnderWay || end == nil { end = now + timeout }
        let unnamed = servers.indices.filter { servers[$0].addresses?.isEmpty == true }
        for index in unnamed { servers[index].addresses = nil }
        for index in queries.indices {
            if case .failed = queries[index].state { queries[index].state = .queued }
        }
        if asksForRelays { relays.retryFailed() }
        return unnamed.map { ($0, servers[$0].url.host) }
    }
}
