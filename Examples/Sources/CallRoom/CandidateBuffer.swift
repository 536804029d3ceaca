import ICE

/// The other side's candidates as they come in, until the generation that they belong to is the one of its description.
struct CandidateBuffer {
    private var seen: Set<String> = []
    private var waiting: [(fragment: String?, candidate: SignalledCandidate)] = []

    /// What the other side can make this side keep.
    static let limit = 500

    /// Whether the document is a new one.
    mutating func isNew(_ id: String) -> Bool {
        seen.count < Self.limit && seen.insert(id).inserted
    }

    mutating func add(_ candidate: SignalledCandidate) {
        waiting.append((candidate.usernameFragment, candidate))
    }

    /// How many wait for the description of another generation.
    var count: Int { waiting.count }

    /// Takes out the candidates of a generation, those of the highest priority first, and the end of candidates behind them all.
    mutating func take(generation fragment: String) -> [SignalledCandidate] {
        let taken = waiting.filter { $0.fragment == nil || $0.fragment == fragment }.map(\.candidate)
        waiting.removeAll { $0.fragment == nil || $0.fragment == fragment }
        return taken.sorted { $0.rank > $1.rank }
    }

    /// Forgets the generations before this one, once its description is there.
    mutating func forgetAll(but fragment: String) {
        waiting.removeAll { $0.fragment != nil && $0.fragment != fragment }
        seen = seen.filter { $0.hasPrefix("\(fragment).") }
    }
}

extension SignalledCandidate {
    fileprivate var rank: Int {
        // What is no candidate is for the client to refuse.
        isEndOfCandidates ? -1 : (try? Candidate(candidate)).map { Int($0.priority) } ?? 0
    }
}
