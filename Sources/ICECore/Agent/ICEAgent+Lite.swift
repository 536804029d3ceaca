import NetBase
import STUN

// RFC 8445's lite implementation: it listens, answers, and takes what the peer nominates.
extension ICEAgent {
    /// Whether this agent sends no checks.
    var isLite: Bool { configuration.isLite }

    /// Whether neither agent sends checks, so that the pairs follow from the candidates alone (RFC 8445 §8.2).
    var isBetweenLiteAgents: Bool { isLite && session.remote?.isLite == true }

    /// Whether the first check that proves our password is the peer's, whatever it calls itself.
    private var acceptsUnsignalledPeer: Bool { isLite && configuration.acceptsUnsignalledPeer }

    /// Whether checks of the peer's may be acted upon.
    var awaitsChecks: Bool { session.hasRemote || acceptsUnsignalledPeer }

    // MARK: Beginning

    /// Tells what of the configuration has no effect, as it is for the other kind of agent.
    mutating func tellContradictions() {
        guard isLite else {
            if configuration.acceptsUnsignalledPeer { tell(.candidateError(Self.peerHasToBeSignalled)) }
            return
        }
        refuseServers()
    }

    private static let peerHasToBeSignalled = CandidateError(
        url: "", code: CandidateError.unreachable,
        text:
            "acceptsUnsignalledPeer is for lite agents: a full one has to know the peer's password, so set isLite, or "
            + "leave it out and signal the peer's parameters")

    /// RFC 8445 §5.2: "Lite implementations only utilize host candidates".
    private mutating func refuseServers() {
        for url in configuration.servers.flatMap(\.parsed) {
            let text = "an ICE-lite agent has host candidates only: leave servers out, or isLite"
            tell(.candidateError(CandidateError(url: url.text, code: CandidateError.unreachable, text: text)))
        }
    }

    /// RFC 8445 §6.1.1: "The full agent MUST take the controlling role, and the lite agent MUST take the controlled role"; between two of
    /// a kind, the agent that began controls.
    mutating func settleRole(with parameters: ICEParameters) {
        guard parameters.isLite != isLite else { return }
        let due: Role = isLite ? .controlled : .controlling
        if role != due { changeRole(to: due) }
    }

    /// Takes the role that offer and answer give it: of two agents of a kind, the one that began the processing controls (RFC 8445 §6.1.1).
    package mutating func settleRole(asInitiator isInitiator: Bool) {
        let due: Role = isInitiator ? .controlling : .controlled
        guard !isChecking, session.remote.map({ $0.isLite == isLite }) ?? true, role != due else { return }
        changeRole(to: due)
    }

    /// Who checks is a full agent and has to control: false if it claims not to.
    mutating func settleLiteRole(claimed: Role) -> Bool {
        guard claimed == .controlling else { return false }
        if role != .controlled { changeRole(to: .controlled) }
        return true
    }

    // MARK: The peer's checks (RFC 8445 §7.3.2)

    /// Who knows the password is the peer, and stays so for the session. A lite agent asks nothing, so that it needs no password of the
    /// peer's: one that nobody knows stands in for it.
    mutating func takeForPeer(senderOf check: IncomingCheck, at now: Instant) {
        guard acceptsUnsignalledPeer, session.remote == nil,
            let credentials = try? Credentials(usernameFragment: check.remoteUsernameFragment, using: &generator)
        else { return }
        _ = setRemote(ICEParameters(credentials: credentials), isSignalled: false, now: now)
    }

    /// "the agent constructs a candidate pair whose local candidate has the transport address on which the request was received, and whose
    /// remote candidate is equal to the source transport address of the request"; it is valid without a check of ours.
    mutating func take(nominationBy check: IncomingCheck, of remote: Candidate, at now: Instant) {
        guard state != .failed, let host = localCandidates.base(of: check.socket) else { return }
        let list = session.checklists[check.path.stream]
        guard let id = list?.pair(from: check.socket, to: remote.address)?.id ?? insertPair(host, remote) else {
            return
        }
        validate(id, number: number(ofNominationOf: id, by: check), at: now)
        nominateStream(check.path.stream, at: now)
    }

    private mutating func validate(_ id: PairID, number: Int, at now: Instant) {
        guard let pair = session.checklists[id], !pair.hasLostConsent else { return }
        session.checklists.update(id) {
            $0.succeed(
                as: CheckPair.Valid(local: pair.local.candidate, priority: pair.priority, confirmedAt: now),
                roundTripTime: nil)
            $0.pendingNomination = number
        }
    }

    /// RFC 8445 §8.2: "Once there are nominated pairs for each component of a data stream, the pairs become the selected pairs".
    mutating func nominateStream(_ stream: StreamID, at now: Instant) {
        guard let pairs = session.checklists[stream]?.pairs else { return }
        let nominated = pairs.filter { $0.valid != nil && $0.pendingNomination != nil }
        let isWhole = components.allSatisfy { component in
            component.path.stream != stream || isConcluded(component.path)
                || nominated.contains { $0.path == component.path }
        }
        guard isWhole else { return }
        for pair in nominated.sorted(by: { ($0.pendingNomination ?? 0) < ($1.pendingNomination ?? 0) }) {
            nominate(pair.id, at: now)
        }
    }

    // MARK: Between two lite agents (RFC 8445 §8.2)

    /// Takes the best pair of each component, anew whenever a candidate brings a better one, until both sides have named them all.
    ///
    /// RFC 8445 §8.2 leaves the choice between several to RFC 6724, whose order the priorities of host candidates follow; since both
    /// agents compute the same ones, they choose alike.
    mutating func selectWithoutChecks(at now: Instant) {
        guard isBetweenLiteAgents, isChecking, state != .failed else { return }
        for component in components {
            let best = session.checklists[component.path.stream]?.pairs.first { $0.path == component.path }
            guard let best, !best.isNominated, best.pendingNomination == nil else { continue }
            let used = component.selected.flatMap {
                $0.generation == session.generation ? session.checklists[$0.id] : nil
            }
            guard (used?.priority ?? 0) < best.priority else { continue }
            validate(best.id, number: component.nominationNumber + 1, at: now)
        }
        for list in session.checklists.lists { nominateStream(list.stream, at: now) }
    }

    // MARK: Consent as the lite side sees it

    /// Watches for the peer's checks where the peer sends any.
    func peerChecks(at now: Instant) -> PeerCheckMonitor? {
        guard isLite, !isBetweenLiteAgents, configuration.consentInterval != nil else { return nil }
        return PeerCheckMonitor(timeout: configuration.consentTimeout, at: now)
    }

    /// An authenticated check came over the pair in use, by the credentials of whatever generation that pair is of.
    mutating func noteCheck(on socket: SocketID, from source: TransportAddress, at now: Instant) {
        guard isLite else { return }
        // The answer has kept the way open. What was drawn stands where it is later: whoever checks often costs no random numbers.
        let earliest = now + keepaliveInterval.shortest
        for index in components.indices {
            guard let path = components[index].selected, path.socket == socket, path.destination == source else {
                continue
            }
            components[index].selected?.peerChecks?.checked(at: now)
            components[index].selected?.nextKeepalive = max(path.nextKeepalive, earliest)
        }
    }

    mutating func advancePeerChecks(ofComponentAt index: Int, to now: Instant) {
        guard var monitor = components[index].selected?.peerChecks else { return }
        let hasExpired = monitor.advance(to: now)
        components[index].selected?.peerChecks = monitor
        guard hasExpired else { return }
        let text = "the peer has sent no check for \(configuration.consentTimeout)"
        losePath(
            ofComponentAt: index, PairFailure(.consentExpired, text),
            ICEFailure(.consentExpired, "\(text): it is gone, or sends none (then set consentInterval to nil)"), at: now
        )
    }

    /// A peer that does not come is all that a lite agent can fail by.
    func liteFailure() -> ICEFailure {
        ICEFailure(
            isBetweenLiteAgents ? .noCandidatePairs : .checksFailed,
            isBetweenLiteAgents
                ? "no local candidate fits one of the peer's: compare address families"
                : "the peer has nominated no pair: this agent's addresses must be reachable from it")
    }
}
