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

    /// The least time where datagrams are known to get lost, so that a direct pair's checks may be lost a few times.
    static let leastHoldWithLoss = Duration.seconds(1)

    /// How long the first checks of direct pairs are waited for.
    private static let longestHoldForBegin = Duration.seconds(1)

    /// Decides over the pairs of one component.
    ///
    /// - Parameter sawLoss: Whether requests had to be repeated before they were answered.
    /// - Parameter expectsMappings: Whether a server may still show an address of this machine's that a direct pair may be made of.
    /// - Parameter expectsCandidates: Whether either agent may still name candidates; with loss these are waited for as well.
    /// - Parameter expectsConnections: Whether the peer may be opening a connection, of whose pair nothing is known before its check comes.
    /// - Parameter mayBeRelayed: What a direct pair that may still come to work is waited for; by default what is known to be relayed.
    static func decide(
        over pairs: some Sequence<CheckPair>, at now: Instant, sawLoss: Bool = false, expectsCandidates: Bool = false,
        expectsMappings: Bool = false, expectsConnections: Bool = false,
        mayBeRelayed: (CheckPair) -> Bool = { $0.isRelayed }
    ) -> Decision {
        var best: CheckPair?
        for pair in pairs {
            guard let valid = pair.valid else { continue }
            if let known = best?.valid, known.priority >= valid.priority { continue }
            best = pair
        }
        guard let best else { return .wait }
        guard mayBeRelayed(best) else { return .nominate(best.id) }
        let patience = max(sawLoss ? leastHoldWithLoss : leastHold, (best.roundTripTime ?? leastHold) * 3)
        let begin = best.startedAt ?? now
        // A relay whose check came before its candidate may have any priority, so that priorities are not compared.
        // Triggered checks go first, so that with a long Ta a direct pair's own check may begin only now.
        let unbegun = min(begin + longestHoldForBegin, now + leastHold)
        let pending = pairs.filter { $0.isPending && !mayBeRelayed($0) }
            .map { pair in
                // What is to be checked again has its answer still before it.
                guard pair.state == .inProgress, let startedAt = pair.startedAt else {
                    return max(begin + patience, unbegun)
                }
                // A connection takes a round trip before the check's own.
                return startedAt + (pair.opensConnection ? patience * 2 : patience)
            }
        let mayChange = !best.isRelayed || sawLoss && expectsCandidates
        let unexplained = mayChange ? [begin + patience] : []
        let ungathered = expectsMappings ? [begin + longestHoldForBegin] : []
        let unconnected = expectsConnections ? [begin + patience * 2] : []
        let hold = (pending + unexplained + ungathered + unconnected).filter { $0 > now }.max()
        return hold.map(Decision.holdUntil) ?? .nominate(best.id)
    }

    /// Whether a first check may nominate its pair, as `.eager` has it: only the best pair's that may still work.
    ///
    /// A pair whose check was not answered for a while no longer stands in the way of the next.
    static func mayNominateEagerly(
        _ pair: CheckPair, among pairs: some Sequence<CheckPair>, at now: Instant,
        mayBeRelayed: (CheckPair) -> Bool = { $0.isRelayed }
    ) -> Bool {
        for other in pairs where other.id != pair.id && other.priority > pair.priority {
            switch other.state {
            case .waiting, .frozen, .succeeded: return false
            case .inProgress:
                if let startedAt = other.startedAt, now < startedAt + leastHold { return false }
            case .failed: continue
            }
        }
        return !mayBeRelayed(pair)
    }
}
