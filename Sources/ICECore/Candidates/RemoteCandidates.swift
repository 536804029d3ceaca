import NetBase

/// The peer's candidates of one generation, signalled and peer-reflexive, bounded.
struct RemoteCandidates {
    private(set) var all: [Candidate] = []
    private var learnedCount = 0

    /// What became of a signalled candidate.
    enum Addition: Equatable {
        /// New: pair it.
        case added
        /// Known as a peer-reflexive one until now: the pairs take it over (RFC 8838 §11.4).
        case merged(Candidate)
        /// Signalled before.
        case duplicate
        /// Over the limit.
        case refused
    }

    func candidate(
        of path: StreamComponent, at address: TransportAddress, over transport: Candidate.Transport = .udp
    ) -> Candidate? {
        all.first { $0.address == address && $0.path == path && $0.transport.isTCP == transport.isTCP }
    }

    func candidates(of path: StreamComponent) -> some Sequence<Candidate> {
        all.lazy.filter { $0.path == path }
    }

    /// The address that a name has been found to stand for.
    func address(of hostName: String) -> IPAddress? {
        all.first { $0.hostName == hostName }?.address.ip
    }

    /// Whether the peer, or its NAT, is known to have an address.
    func isOwn(_ ip: IPAddress) -> Bool {
        all.contains { ($0.kind == .host || $0.kind == .serverReflexive) && $0.address.ip == ip }
    }

    /// Whether a pair is relayed, or its remote end is known from a check alone and is at none of the peer's own addresses: then it may be
    /// the peer's relay, whose candidate is still on its way.
    func mayBeRelayed(_ pair: borrowing CheckPair) -> Bool {
        if pair.isRelayed { return true }
        return pair.remote.kind == .peerReflexive && !isOwn(pair.remote.address.ip)
    }

    mutating func add(signalled candidate: Candidate, limit: Int) -> Addition {
        if let index = all.firstIndex(where: { $0.isSameEnd(as: candidate) }) {
            guard all[index].kind == .peerReflexive, candidate.kind != .peerReflexive else { return .duplicate }
            var merged = candidate
            merged.priority = all[index].priority
            merged.alias = all[index].alias
            all[index] = merged
            return .merged(merged)
        }
        // Learned candidates have a limit of their own, so that they leave room for what signalling brings.
        let isLearned = candidate.kind == .peerReflexive
        guard all.lazy.filter({ ($0.kind == .peerReflexive) == isLearned }).count < limit else { return .refused }
        all.append(candidate)
        return .added
    }

    /// Forgets candidates, and says how many.
    mutating func removeAll(where shouldGo: (Candidate) -> Bool) -> Int {
        let before = all.count
        all.removeAll(where: shouldGo)
        return before - all.count
    }

    /// Learns a candidate from an authenticated check (RFC 8445 §7.3.1.3); nil over the limit.
    mutating func learn(
        _ address: TransportAddress, path: StreamComponent, over transport: Candidate.Transport = .udp,
        priority: UInt32, network: NetworkInfo? = nil, generation: Int = 0, limit: Int
    ) -> Candidate? {
        guard all.lazy.filter({ $0.kind == .peerReflexive }).count < limit else { return nil }
        learnedCount += 1
        // RFC 8445 §7.3.1.3: "an arbitrary value, different from the foundations of all other remote candidates".
        var number = learnedCount
        while all.contains(where: { $0.foundation.description == "prflx\(number)" }) { number += 1 }
        guard let foundation = Candidate.Foundation("prflx\(number)") else { return nil }
        let candidate = Candidate(
            foundation: foundation, path: path, transport: transport, priority: priority, address: address,
            kind: .peerReflexive,
            attributes: network?.attributes ?? [], alias: "prflx\(generation).\(learnedCount)")
        all.append(candidate)
        return candidate
    }
}

extension Candidate {
    /// Whether both are one end of the peer's: TCP has ports of its own.
    fileprivate func isSameEnd(as other: Candidate) -> Bool {
        address == other.address && path == other.path && transport.isTCP == other.transport.isTCP
    }
}
