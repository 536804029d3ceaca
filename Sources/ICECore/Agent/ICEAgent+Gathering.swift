package import NetBase
import STUN

extension ICEAgent {
    /// Starts gathering over the machine's addresses (RFC 8445 §5.1.1); does nothing the second time.
    ///
    /// - Parameter attachedRelay: Whether the application has attached a TURN client of its own.
    package mutating func gather(
        over addresses: [InterfaceAddress], attachedRelay: Bool = false, now: Instant
    ) {
        guard gatherer.state == .new, state != .closed else { return }
        let attachedRelay = attachedRelay && !isLite
        if components.isEmpty { _ = addStream(components: 1) }
        let chosen = chosenAddresses(among: addresses)
        network.begin(over: addresses, chosen, at: now)
        let socketCount = chosen.count * components.count * socketTransports.count
        beginGathering(openingSockets: socketCount + (attachedRelay ? 1 : 0), at: now)
        if chosen.isEmpty, configuration.localAddresses != nil { tell(.candidateError(Self.noSuchAddress)) }
        for index in components.indices {
            for (rank, ip) in chosen.enumerated() { openSockets(on: ip, for: components[index].path, rank: rank) }
        }
        if attachedRelay, !components.isEmpty { openAttachedRelay(for: components[0].path) }
        settle(at: now)
    }

    private static let noSuchAddress = CandidateError(
        url: "", code: CandidateError.unreachable,
        text: "no interface that may be used has any of the localAddresses: they have to be addresses of this machine; "
            + "for the public address of a 1:1 NAT see rewriteLocalCandidate")

    mutating func beginGathering(openingSockets count: Int, at now: Instant) {
        gatherer.begin(
            servers: isLite ? [] : permittedServers, openingSockets: count, usesRelaysOnly: usesRelaysOnly,
            relayed: relayedTransports, hidesBases: hidesHosts || publishesNames, isContinual: gathersContinually,
            timeout: configuration.gatheringTimeout, at: now)
        tell(.gatheringState(.gathering))
        tellContradictions()
        for relay in gatherer.unconfirmedRelays { emit(.confirmRelay(relay)) }
        for server in gatherer.unresolvedServers { emit(.resolve(server: server.index, host: server.host)) }
    }

    /// A socket that was asked for is bound.
    package mutating func socketOpened(_ id: SocketID, at base: TransportAddress, now: Instant) {
        guard let index = sockets.firstIndex(where: { $0.id == id }) else { return }
        sockets[index].base = base
        let (path, transport, rank) = (sockets[index].path, sockets[index].transport, sockets[index].rank)
        if !usesRelaysOnly,
            let host = localCandidates.addHost(
                on: id, base: base, over: transport, path: path, rank: rank, isWithheld: mustWithhold(hostAt: base.ip),
                hostName: hostNames.name(of: base.ip)?.description, network: networkInfo(of: sockets[index]))
        {
            announce(host)
        }
        let reach = reach(of: transport)
        if reach == .all { moveStrandedRelays(to: id, base: base, path: path, at: now) }
        gatherer.socketOpened(id, base: base, path: path, reach: reach)
        mapPort(of: id)
        if !gathersContinually, gatherer.openingSockets <= 0 { network.rest() }
        settle(at: now)
    }

    /// A socket that was asked for can't be bound: its address gives no candidates.
    ///
    /// - Parameter reason: What the application is told of it, if it is.
    package mutating func socketFailed(_ id: SocketID, reason: String? = nil, now: Instant) {
        if let ip = sockets.first(where: { $0.id == id })?.address { network.retry(ip) }
        sockets.removeAll { $0.id == id }
        if let reason {
            tell(.candidateError(CandidateError(url: "", code: CandidateError.unreachable, text: reason)))
        }
        gatherer.socketFailed()
        settle(at: now)
    }

    /// A server's name has addresses.
    package mutating func serverResolved(_ index: Int, to addresses: [IPAddress], now: Instant) {
        if let error = gatherer.resolved(index, to: addresses) { tell(.candidateError(error)) }
        settle(at: now)
    }

    /// A server's name has none.
    package mutating func serverUnresolvable(_ index: Int, _ error: NetworkError, now: Instant) {
        if let error = gatherer.resolutionFailed(index, error.description) { tell(.candidateError(error)) }
        settle(at: now)
    }

    mutating func advanceGathering(to now: Instant) {
        let due = gatherer.advance(to: now, keepalive: keepaliveInterval, using: &generator)
        for (socket, server, message) in due.sends { emit(.send(message.bytes, from: socket, to: server)) }
        for finding in due.findings { take(finding) }
        for relay in due.abandonedRelays { emit(.closeSocket(relay)) }
        if due.isTimeUp, !gathersContinually { abandonAttachedRelay() }
    }

    mutating func take(_ finding: Gatherer.Finding) {
        switch finding {
        case .mapped(let address, let socket, let server):
            let found = localCandidates.addServerReflexive(
                address, on: socket, server: server, url: gatherer.url(ofServerAt: server))
            // RFC 8838 §13: nothing is trickled once a pair has been nominated.
            if let found, mayStillSignal(found.candidate.path) { announce(found) }
        case .failed(let error):
            tell(.candidateError(error))
        }
    }
}
