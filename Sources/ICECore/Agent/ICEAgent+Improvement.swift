import NetBase

// What happens to a call that works, and could work better.
extension ICEAgent {
    /// Whether both agents take later nominations, so that a call can move without a restart.
    var canRenominate: Bool {
        configuration.renomination && session.remote?.supportsRenomination == true
    }

    /// Whether a check may nominate although another one has, as RFC 5245 §8.1.1.2 had it: the peer keeps to the best pair among those that
    /// were nominated. RFC 8445 has one nomination alone, so that this is for `.eager` towards peers that do not follow that.
    var nominatesAggressively: Bool {
        nomination == .eager && role == .controlling && session.remote?.supportsICE2 == false
    }

    /// Whether a relay that was nominated need not be the last word.
    var mayNominateAgain: Bool { canRenominate || nominatesAggressively }

    /// A call is moved no more often than this.
    private static let leastTimeBetweenMoves = Duration.seconds(10)

    /// Moves a component to a better pair that works: by a nomination where the agents agreed on that, else by asking for a restart.
    mutating func improvePaths(at now: Instant) {
        guard !isLite else { return }
        for index in components.indices where isConcluded(components[index].path) {
            // Most calls that have settled have one pair alone.
            guard session.checklists.hasOthers(that: .succeeded, of: components[index].path),
                let selected = components[index].selected, selected.generation == session.generation,
                let used = session.checklists[selected.id]
            else { continue }
            if nominatesAggressively, used.isRelayed, let direct = directPair(besides: used) {
                if !session.isNominating(selected.pair.path) { session.nominations.append(direct.id) }
                continue
            }
            guard let better = improvement(on: used) else { continue }
            if !canRenominate {
                askForRestart(
                    RestartReason(.betterPath, "\(shown(better.description)) would do better than the pair in use"))
            } else if role == .controlling, !session.isNominating(selected.pair.path),
                components[index].movedAt.map({ now >= $0 + Self.leastTimeBetweenMoves }) ?? true
            {
                components[index].movedAt = now
                session.nominations.append(better.id)
            }
        }
    }

    private func directPair(besides used: CheckPair) -> CheckPair? {
        session.checklists.pairs.first {
            $0.path == used.path && $0.state == .succeeded && !session.remoteCandidates.mayBeRelayed($0)
        }
    }

    private func improvement(on used: CheckPair) -> CheckPair? {
        var best: CheckPair?
        for pair in session.checklists.pairs
        where pair.path == used.path && pair.state == .succeeded && pair.id != used.id {
            if (best ?? used).choice.isWorthLeaving(for: pair.choice) { best = pair }
        }
        return best
    }

    /// Tells the application once in a generation that only a restart helps, and once more when it is not for a better path but for any.
    mutating func askForRestart(_ reason: RestartReason) {
        guard session.askedForRestart == nil || session.askedForRestart == .betterPath && reason.code != .betterPath
        else { return }
        session.askedForRestart = reason.code
        tell(.restartNeeded(reason))
    }
}

extension CheckPair {
    fileprivate var choice: PathChoice {
        PathChoice(
            isRelayed: isRelayed, networkCost: local.candidate.networkCost + remote.networkCost, quality: quality)
    }
}
