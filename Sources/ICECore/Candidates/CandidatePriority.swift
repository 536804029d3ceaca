extension Candidate {
    /// RFC 8445 §5.1.2.1: "priority = (2^24)*(type preference) + (2^8)*(local preference) + (2^0)*(256 - component ID)".
    package static func priority(
        kind: Kind, over transport: Transport = .udp, localPreference: UInt16, component: ComponentID
    ) -> UInt32 {
        kind.typePreference(over: transport) << 24 | UInt32(localPreference) << 8 | UInt32(256 - component.rawValue)
    }
}

extension Candidate.Kind {
    /// RFC 8445 §5.1.2.2: "The RECOMMENDED values for type preferences are 126 for host candidates, 110 for peer-reflexive candidates, 100
    /// for server-reflexive candidates, and 0 for relayed candidates."
    ///
    /// RFC 6544 §4.2 has those of the other transport below where UDP is to be preferred: a direct UDP pair then comes before any of TCP, which
    /// comes before a relay.
    fileprivate func typePreference(over transport: Candidate.Transport) -> UInt32 {
        switch (self, transport.isTCP) {
        case (.host, false): 126
        case (.peerReflexive, false): 110
        case (.serverReflexive, false): 100
        case (.host, true): 90
        case (.peerReflexive, true): 80
        case (.serverReflexive, true): 70
        case (.relayed, _): 0
        }
    }
}

extension Candidate.Transport {
    /// The local preference of an address that is so far from the best one.
    ///
    /// RFC 6544 §4.2: "local preference = (2^13) * direction-pref + other-pref"; RFC 8445 §5.1.2.1 has 65535 at most for UDP.
    func localPreference(_ kind: Candidate.Kind, rank: Int) -> Int {
        guard case .tcp(let type) = self else { return 65535 - min(max(rank, 0), 65535) }
        return type.directionPreference(kind) << 13 + (8191 - min(max(rank, 0), 8191))
    }
}

extension Candidate.TCPType {
    /// RFC 6544 §4.2: host and relayed candidates have "6 for active, 4 for passive, and 2 for S-O", server-reflexive ones "6 for S-O, 4 for
    /// active, and 2 for passive".
    fileprivate func directionPreference(_ kind: Candidate.Kind) -> Int {
        switch (self, kind) {
        case (.active, .host), (.active, .relayed), (.simultaneousOpen, .serverReflexive),
            (.simultaneousOpen, .peerReflexive):
            6
        case (.passive, .host), (.passive, .relayed), (.active, .serverReflexive), (.active, .peerReflexive): 4
        case (.simultaneousOpen, .host), (.simultaneousOpen, .relayed), (.passive, .serverReflexive),
            (.passive, .peerReflexive):
            2
        }
    }
}

extension CandidatePair {
    /// RFC 8445 §6.1.2.3: "pair priority = 2^32*MIN(G,D) + 2*MAX(G,D) + (G>D?1:0)", G being the controlling agent's candidate.
    package static func priority(local: UInt32, remote: UInt32, role: Role) -> UInt64 {
        let controlling = UInt64(role == .controlling ? local : remote)
        let controlled = UInt64(role == .controlling ? remote : local)
        let (smaller, larger) = (min(controlling, controlled), max(controlling, controlled))
        // A peer may claim priorities beyond 2³¹−1: the sum of two of those wraps, which harms nobody but the peer.
        return smaller << 32 &+ 2 * larger &+ (controlling > controlled ? 1 : 0)
    }
}
