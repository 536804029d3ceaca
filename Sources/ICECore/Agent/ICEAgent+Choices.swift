package import NetBase

/// What the configuration and the application decide about candidates of this side.
extension ICEAgent {
    var usesRelaysOnly: Bool { configuration.transportPolicy == .relay || configuration.addressExposure == .proxyOnly }

    /// Whether host candidates are but the bases of others.
    var hidesHosts: Bool {
        configuration.transportPolicy == .noHost || configuration.addressExposure == .defaultRouteOnly
    }

    /// The servers that may be asked at all: RFC 8828 §5.2 has nothing leave but to a proxy, over TCP, in its Mode 4.
    var permittedServers: [ServerURL] {
        let all = configuration.servers.flatMap(\.parsed)
        guard configuration.addressExposure == .proxyOnly else { return all }
        return all.filter { $0.service == .turn && $0.transport.isReliable }
    }

    /// Which generation of credentials this is, from 0; each restart begins one.
    package var generation: Int { session.generation }

    /// What checks may be addressed to: this generation's username fragment, then those whose paths are still in use.
    package var usernameFragments: [String] {
        var all = [session.keys.local.usernameFragment]
        for component in components {
            guard let former = component.selected?.keys.local.usernameFragment, !all.contains(former) else { continue }
            all.append(former)
        }
        return all
    }

    /// The candidates of this side, those that only the peer sees left out, and those that the application has not let pass.
    package var signalledCandidates: [Candidate] {
        localCandidates.all.filter { local in
            guard local.candidate.kind != .peerReflexive, !local.isWithheld else { return false }
            return !asksAboutCandidates || local.decidedGeneration == session.generation
        }.map(\.candidate.shown)
    }

    /// Hands out a candidate, unless nobody is to know of it.
    mutating func announce(_ local: LocalCandidate) {
        if local.gathered.kind == .host, mustWithhold(hostAt: local.base.ip) { return }
        tell(.candidate(local.gathered))
    }

    /// The application's word on a candidate that it was handed: nil withholds it, and what differs is signalled instead, while checks
    /// go on to be sent from the base.
    ///
    /// - Returns: The candidate as it is to be signalled.
    package mutating func decide(on candidate: Candidate, as signalled: Candidate?) -> Candidate? {
        localCandidates.decide(on: candidate, as: signalled, generation: session.generation)
    }

    /// The application has signalled a candidate, or was told of it: now it may be paired (RFC 8838 §10).
    ///
    /// - Parameter candidate: As it was told of.
    package mutating func conveyed(_ candidate: Candidate, now: Instant) {
        guard let local = localCandidates.all.first(where: { $0.isTold(as: candidate) }), !local.isWithheld,
            !session.conveyed.contains(where: { $0.gathered == local.gathered && $0.socket == local.socket })
        else { return }
        session.conveyed.append(local)
        formPairs(with: local)
        settle(at: now)
    }

    /// The application has withheld a candidate: without it there may be none left to wait for.
    package mutating func candidateWithheld(now: Instant) { settle(at: now) }

    /// Whether the peer may learn that there is something at a socket: it was told of it, or has used it.
    func mayAnswer(on socket: SocketID) -> Bool {
        guard usesRelaysOnly || hidesHosts || asksAboutCandidates || publishesNames else { return true }
        return localCandidates.all.contains { $0.socket == socket && !$0.isWithheld }
            || components.contains { $0.selected?.socket == socket }
    }

    /// The candidate that a check on a socket was for: its base, or where that is not told, what was told of it.
    func receiver(on socket: SocketID) -> LocalCandidate? {
        guard let base = localCandidates.base(of: socket), base.isWithheld else {
            return localCandidates.base(of: socket)
        }
        return session.conveyed.first { $0.socket == socket } ?? base
    }
}
