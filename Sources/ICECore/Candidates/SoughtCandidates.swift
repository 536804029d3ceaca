import NetBase

/// Candidates of the peer whose names are being looked up, bounded.
struct SoughtCandidates {
    private var entries: [(name: MulticastName, candidates: [Candidate])] = []

    /// The most names at a time. A host has a few addresses, each with one name for all components.
    static let nameLimit = 16

    var isEmpty: Bool { entries.isEmpty }

    /// What became of a candidate.
    enum Addition {
        /// Look its name up.
        case added
        /// Its name is being looked up already.
        case joined
        /// Over the limit.
        case refused
    }

    func contains(_ stream: StreamID) -> Bool {
        entries.contains { $0.candidates.contains { $0.stream == stream } }
    }

    mutating func add(_ candidate: Candidate, _ name: MulticastName, limit: Int) -> Addition {
        guard entries.reduce(0, { $0 + $1.candidates.count }) < limit else { return .refused }
        if let index = entries.firstIndex(where: { $0.name == name }) {
            let isKnown = entries[index].candidates.contains {
                $0.path == candidate.path && $0.address.port == candidate.address.port
            }
            if !isKnown { entries[index].candidates.append(candidate) }
            return .joined
        }
        guard entries.count < Self.nameLimit else { return .refused }
        entries.append((name, [candidate]))
        return .added
    }

    /// Takes out the candidates with a name.
    mutating func take(_ name: MulticastName) -> [Candidate] {
        guard let index = entries.firstIndex(where: { $0.name == name }) else { return [] }
        return entries.remove(at: index).candidates
    }

    mutating func removeAll(where shouldGo: (Candidate) -> Bool) {
        for index in entries.indices { entries[index].candidates.removeAll(where: shouldGo) }
        entries.removeAll { $0.candidates.isEmpty }
    }
}
