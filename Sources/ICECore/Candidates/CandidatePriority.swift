extension Candidate {
    /// RFC 8445 §5.1.2.1: "priority = (2^24)*(type preference) + (2^8)*(local preference) + (2^0)*(256 - component ID)".
    package static func priority(kind: Kind, localPreference: UInt16, component: ComponentID) -> UInt32 {
        kind.typePreference << 24 | UInt32(localPreference) << 8 | UInt32(256 - component.rawValue)
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
