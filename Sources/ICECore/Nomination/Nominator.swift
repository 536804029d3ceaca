import NetBase

/// Chooses, for the controlling agent, which valid pair is nominated and when (RFC 8445 §8.1.1).
struct Nominator {
    /// What the pairs of one component call for.
    enum Decision: Equatable {
        /// There is nothing to nominate yet.
        case wait
        /// A relayed pair works, but a better one may at any moment: ask again then.
        case holdUntil(Instant)
        /// Nominate this pair now.
        case nominate(PairID)
    }

    /// The least time that a relayed pair is held back for a direct one.
    static let leastHold = Duration.milliseconds(100)

    /// Decides over the pairs of one component, which are in the order of their priority.
    static func decide(over pairs: some Sequence<CheckPair>, at now: Instant) -> Decision {
        var best: CheckPair?
        for pair in pairs {
            guard let valid = pair.valid else { continue }
            if let known = best?.valid, known.priority >= valid.priority { continue }
            best = pair
        }
        guard let best else { return .wait }
        guard best.isRelayed else { return .nominate(best.id) }
        let patience = max(leastHold, (best.roundTripTime ?? leastHold) * 3)
        let hold = pairs.filter { $0.state == .inProgress && !$0.isRelayed && $0.priority > best.priority }
            .compactMap { $0.startedAt.map { $0 + patience } }
            .filter { $0 > now }
            .max()
        return hold.map(Decision.holdUntil) ?? .nominate(best.id)
    }

    /// Whether a first check may nominate its pair, as `.eager` has it: only the best pair's that may still work.
    ///
    /// A pair whose check was not answered for a while no longer stands in the way of the next.
    static func mayNominateEagerly(_ pair: CheckPair, among pairs: some Sequence<CheckPair>, at now: Instant) -> Bool {
        for other in pairs where other.id != pair.id && other.priority > pair.priority {
            switch other.state {
            case .waiting, .frozen, .succeeded: return false
            case .inProgress:
                if let startedAt = other.startedAt, now < startedAt + leastHold { return false }
            case .failed: continue
            }
        }
        return !pair.isRelayed
    }
}
