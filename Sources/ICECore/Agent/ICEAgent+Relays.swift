package import NetBase

/// One address that one relay lets in.
struct RelayPermission: Hashable {
    let relay: SocketID
    let peer: IPAddress
}

extension ICEAgent {
    // MARK: Asking for relays (RFC 8445 §5.1.1.2)

    mutating func beginRelay() {
        let id = makeSocketID()
        guard let (request, server) = gatherer.beginNextRelay(as: id),
            let path = sockets.first(where: { $0.id == request.via })?.path
        else { return }
        emit(
            .openRelay(
                RelayOrder(
                    id: id, server: server, address: request.server, via: request.via, relayed: request.relayed,
                    path: path)))
    }

    mutating func openAttachedRelay(for path: StreamComponent) {
        let id = makeSocketID()
        sockets.append(Socket(id: id, path: path, transport: .udp, rank: 0, base: nil, allocation: id))
        emit(.openRelay(RelayOrder(id: id, server: nil, address: nil, via: nil, relayed: .udp, path: path)))
    }

    /// The client of the application has no allocation yet, and what it may still get comes behind the end of candidates.
    mutating func abandonAttachedRelay() {
        for socket in sockets where socket.isRelay && socket.base == nil {
            sockets.removeAll { $0.id == socket.id }
            emit(.closeSocket(socket.id))
        }
    }

    /// An allocation is there, with one relayed address or one of each family.
    ///
    /// - Parameters:
    ///   - mapped: What the server saw of the port that the allocation was asked for from.
    ///   - isShared: Whether that port is the base's own, so that what was seen is a server-reflexive candidate (RFC 8445 §5.1.1.2).
    ///   - isMobile: Whether the allocation can follow to another address (RFC 8016).
    /// - Returns: The sockets that stand for the relayed addresses, in their order, the first under the allocation's own ID; none if it is
    ///   not wanted any more.
    package mutating func relayOpened(
        _ id: SocketID, relayed: [TransportAddress], server: IPAddress, mapped: TransportAddress?, isShared: Bool,
        isMobile: Bool = false, now: Instant
    ) -> [RelayedBase] {
        guard state != .closed else { return [] }
        defer { settle(at: now) }
        if let index = sockets.firstIndex(where: { $0.id == id && $0.base == nil }) {
            let path = sockets.remove(at: index).path
            gatherer.attachedRelayEnded()
            let bases = bases(on: relayed, speaking: .udp, first: id, path)
            addRelays(bases, server: server, url: nil, mapped: mapped, rank: 0)
            return bases
        }
        guard let (request, url) = gatherer.relayOpened(id, isMobile: isMobile),
            let via = sockets.first(where: { $0.id == request.via })
        else {
            return []
        }
        if isShared, !usesRelaysOnly, let mapped, mapped.family == request.base.family {
            take(.mapped(mapped.unmapped, socket: request.via, server: server))
        }
        let rank = url.transport.relayRank << 10 + via.rank
        let bases = bases(on: relayed, speaking: request.relayed, first: id, via.path)
        addRelays(bases, server: server, url: url, mapped: mapped, rank: rank, network: networkInfo(of: via))
        return bases
    }

    private mutating func bases(
        on relayed: [TransportAddress], speaking transport: RelayedTransport, first: SocketID, _ path: StreamComponent
    ) -> [RelayedBase] {
        var bases: [RelayedBase] = []
        for address in relayed {
            for kind in transport.candidates {
                let id = bases.isEmpty ? first : makeSocketID()
                bases.append(RelayedBase(id: id, path: path, address: address, transport: kind))
            }
        }
        return bases
    }

    private mutating func addRelays(
        _ bases: [RelayedBase], server: IPAddress, url: ServerURL?, mapped: TransportAddress?, rank: Int,
        network: NetworkInfo? = nil
    ) {
        for base in bases {
            let isActive = base.transport == .tcp(.active)
            // RFC 6544 §4.5: its address "MUST be identical to the IP address of a passive […] candidate from the same relay server".
            let address =
                isActive ? TransportAddress(base.address.ip, port: Candidate.TCPType.activePort) : base.address
            sockets.append(
                Socket(
                    id: base.id, path: base.path, transport: base.transport, rank: rank, base: address,
                    allocation: bases.first?.id))
            let added = localCandidates.addRelayed(
                address, on: base.id, over: base.transport, path: base.path, server: server, url: url,
                mapped: usesRelaysOnly ? nil : mapped, rank: rank, network: network)
            if let added, mayStillSignal(base.path) { announce(added) }
        }
    }

    /// RFC 8838 §13: nothing is trickled once a pair has been nominated, unless a later nomination may make use of it, or gathering goes on
    /// for as long as the session lasts.
    func mayStillSignal(_ path: StreamComponent) -> Bool {
        !isConcluded(path) || mayNominateAgain || gathersContinually
    }

    /// The server still has an allocation of an earlier generation: its candidates are told again.
    package mutating func relayConfirmed(_ id: SocketID, now: Instant) {
        guard gatherer.relayOpened(id) != nil else { return }
        for socket in sockets where socket.allocation == id {
            if mayStillSignal(socket.path), let local = localCandidates.base(of: socket.id) { announce(local) }
        }
        settle(at: now)
    }

    /// There will be no allocation.
    package mutating func relayFailed(_ id: SocketID, code: Int, text: String, now: Instant) {
        if let index = sockets.firstIndex(where: { $0.id == id && $0.base == nil }) {
            sockets.remove(at: index)
            gatherer.attachedRelayEnded()
        }
        if let error = gatherer.relayFailed(id, code: code, text: text) { tell(.candidateError(error)) }
        moveStrandedRelays(at: now)
        settle(at: now)
    }

    /// An allocation that was there is gone: its pairs fail.
    package mutating func relayLost(_ ids: [SocketID], reason: String, now: Instant) {
        guard state != .closed else { return }
        let failure = PairFailure(.relayLost, reason)
        let isCalm = network.noteLostRelay(at: now)
        // The pairs that stand by fail first, so that none of them is chosen in place of one in use.
        let used = components.compactMap(\.selected?.id)
        for pair in pairs where ids.contains(pair.socket) && pair.state != .failed && !used.contains(pair.id) {
            fail(pair, failure)
        }
        let lost = ICEFailure(.relayLost, "\(reason); restart ICE to find another way")
        for index in components.indices {
            guard let selected = components[index].selected, ids.contains(selected.socket) else { continue }
            losePath(ofComponentAt: index, failure, lost, at: now)
            // Its server is asked for another, which may take as long as anything else.
            if gathersContinually, components[index].selected == nil {
                session.patienceEnd = now + configuration.patienceInterval
            }
        }
        let told = signalledCandidates.filter { candidate in
            localCandidates.all.contains { ids.contains($0.socket) && $0.isTold(as: candidate) }
        }
        if gathersContinually { for candidate in told { tell(.candidateRemoved(candidate)) } }
        for id in ids {
            gatherer.relayLost(id, isCalm: isCalm)
            forget(relay: id)
        }
        settle(at: now)
    }

    private mutating func forget(relay id: SocketID) {
        sockets.removeAll { $0.id == id }
        permissions = permissions.filter { $0.relay != id }
        expel { $0.socket == id }
        localCandidates.removeAll { $0.socket == id }
        session.conveyed.removeAll { $0.socket == id }
        gatherer.forgetRelay(id)
    }

    // MARK: Permissions (RFC 8445 §7.2.1)

    /// RFC 8445 §7.2.1: a permission for the remote address comes before the check that is sent over a relay.
    ///
    /// Where the server is asked to connect, it needs none.
    mutating func permit(_ peer: IPAddress, on local: LocalCandidate) {
        guard local.candidate.kind == .relayed, local.candidate.transport != .tcp(.active) else { return }
        if permissions.insert(RelayPermission(relay: local.socket, peer: peer)).inserted {
            emit(.permit(local.socket, peer))
        }
    }

    /// The server refuses to let a peer in: the pairs to it fail.
    package mutating func permissionRefused(on ids: [SocketID], for peer: IPAddress, now: Instant) {
        let failure = PairFailure(.permissionRefused, "the relay does not let \(peer) in")
        // A later generation's checks ask again.
        for id in ids {
            if let refused = permissions.remove(RelayPermission(relay: id, peer: peer)) {
                session.refusedPermissions.insert(refused)
            }
        }
        for pair in pairs where ids.contains(pair.socket) && pair.remote.address.ip == peer && pair.isPending {
            if pair.local.candidate.transport != .tcp(.active) { fail(pair, failure) }
        }
        settle(at: now)
    }

    // MARK: Freeing (RFC 8445 §8.3)

    /// RFC 8445 §8.3: "the agent SHOULD wait an additional three seconds, and then it can cease responding to checks or generating triggered
    /// checks on all local candidates other than the ones that became selected".
    static let releaseDelay = Duration.seconds(3)

    mutating func scheduleRelayRelease(at now: Instant) {
        if sockets.contains(where: \.isRelay) || gatherer.hasQueuedRelays { relayRelease = now + Self.releaseDelay }
    }

    /// A backup over a relay that has failed leaves its allocation to nobody.
    mutating func scheduleRelayReleaseIfUnused(at now: Instant) {
        guard relayRelease == nil, !keptAllocations.isSuperset(of: sockets.compactMap(\.allocation)) else { return }
        relayRelease = now + Self.releaseDelay
    }

    private var keptAllocations: Set<SocketID> {
        let inUse = Set(
            session.checklists.pairs.filter { $0.state != .failed }.map(\.socket)
                + components.compactMap(\.selected?.socket))
        return Set(sockets.filter { inUse.contains($0.id) }.compactMap(\.allocation))
    }

    /// Frees the relays that neither carry data nor stand by.
    mutating func releaseRelays(at now: Instant) {
        guard let due = relayRelease, now >= due else { return }
        relayRelease = nil
        // Who has lost the chosen path meanwhile needs what there is.
        guard components.allSatisfy({ isConcluded($0.path) }) else { return }
        for id in gatherer.giveUpRelays() { emit(.closeSocket(id)) }
        let kept = keptAllocations
        for socket in sockets {
            guard let allocation = socket.allocation, !kept.contains(allocation) else { continue }
            emit(.closeSocket(socket.id))
            forget(relay: socket.id)
        }
    }
}

extension TransportProtocol {
    /// Relays are better the less there is between: UDP, then DTLS, TCP, TLS.
    fileprivate var relayRank: Int {
        switch self {
        case .udp: 0
        case .dtls: 1
        case .tcp: 2
        case .tls: 3
        }
    }
}
