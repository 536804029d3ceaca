import NetBase

// A path that does not answer, with nothing to stand in for it, while gathering goes on.
extension ICEAgent {
    /// Looks for another way at once, before consent has run out: all pairs that may have come to work are checked again, and servers are
    /// asked whether a NAT has given this agent another address, which is signalled then.
    mutating func reopen(ofComponentAt index: Int, since: Instant, at now: Instant) {
        guard gathersContinually, let path = components[index].selected, path.reopenedSince != since else { return }
        components[index].selected?.reopenedSince = since
        for pair in pairs where pair.path == path.pair.path && pair.state == .failed && mayCheckAgain(pair) {
            permit(pair.remote.address.ip, on: pair.local)
            session.checklists.withList(pair.id.stream) { $0.trigger(pair.id) }
        }
        for local in session.conveyed where local.candidate.path == path.pair.path { formPairs(with: local) }
        gatherer.askForMappings(of: path.pair.path, timeout: configuration.gatheringTimeout, at: now)
    }

    private func mayCheckAgain(_ pair: CheckPair) -> Bool {
        !pair.hasLostConsent && sockets.contains { $0.id == pair.socket }
    }

    /// After five seconds without a sign of life there is nothing left to try but another generation.
    mutating func askForRestartIfSilent() {
        guard gathersContinually else { return }
        let isSilent = components.contains {
            $0.selected?.isSilent == true && $0.selected?.generation == session.generation
        }
        guard isSilent else { return }
        askForRestart(RestartReason(.pathLost, "the peer has been silent for 5 s; restart ICE to look for another way"))
    }
}
