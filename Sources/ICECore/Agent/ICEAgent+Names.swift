package import NetBase

// Names of multicast DNS in the place of addresses (draft-ietf-mmusic-mdns-ice-candidates).
extension ICEAgent {
    // MARK: Ours

    /// Whether host candidates are told by name. Where none are told at all, there is nothing to name.
    var publishesNames: Bool { configuration.multicastDNS == .publish && !usesRelaysOnly && !hidesHosts }

    /// Whether a host candidate can't be told: its name would lead nowhere, and its address is not to be known.
    func mustWithhold(hostAt ip: IPAddress) -> Bool { hidesHosts || hostNames.hasFailed(ip) }

    /// The draft, §3.1.1: a name of its own for each address, for as long as the session lasts. That there is a loopback address says nothing.
    mutating func publishName(of ip: IPAddress) {
        guard !ip.isLoopback, hostNames.name(of: ip) == nil else { return }
        let name = MulticastName(using: &generator)
        hostNames.add(name, of: ip)
        emit(.publish(name, ip))
    }

    /// Nobody answers for a name: the host candidates of its address are but the bases of others.
    package mutating func hostUnpublishable(_ name: MulticastName, now: Instant) {
        hostNames.fail(name)
        let text = "no socket for multicast DNS could be opened: a host address stays untold"
        tell(.candidateError(CandidateError(url: "", code: CandidateError.unreachable, text: text)))
        settle(at: now)
    }

    /// Takes back the names of addresses that no socket has any more.
    mutating func unpublishNames() {
        let used = Set(sockets.compactMap(\.address))
        for name in hostNames.removeAll(except: used) { emit(.unpublish(name)) }
    }

    // MARK: The peer's

    /// The draft, §3.2.1: looks up the name of a candidate, unless nothing but relays is used, or it is no UUID.
    mutating func seek(_ candidate: Candidate, _ hostName: String) {
        guard configuration.multicastDNS != .off, !usesRelaysOnly, let name = MulticastName(hostName) else {
            return ignore(candidate, "name")
        }
        peerHides = true
        if let ip = session.remoteCandidates.address(of: hostName) {
            var candidate = candidate
            candidate.address.ip = ip
            return add(candidate)
        }
        switch session.sought.add(candidate, name, limit: configuration.maximumRemoteCandidates) {
        case .added: emit(.lookUp(name))
        case .joined: break
        case .refused: ignore(candidate, "limit")
        }
    }

    /// A name stands for an address: its candidates are as good as others now.
    package mutating func nameResolved(_ name: MulticastName, to ip: IPAddress, now: Instant) {
        guard state != .closed else { return }
        for var candidate in session.sought.take(name) {
            candidate.address.ip = ip.scoped(to: 0).unmapped
            if let reason = reasonOfSession(toIgnore: candidate) { ignore(candidate, reason) } else { add(candidate) }
        }
        settle(at: now)
    }

    /// A name stands for nothing, or for more than one address: its candidates are dropped, and the session goes on.
    package mutating func nameUnresolvable(_ name: MulticastName, now: Instant) {
        guard state != .closed else { return }
        for candidate in session.sought.take(name) { ignore(candidate, "unresolved") }
        settle(at: now)
    }
}
