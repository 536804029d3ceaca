package import NetBase
import STUN

extension ICEAgent {
    // MARK: Failures (RFC 8445 §7.2.5.2)

    mutating func fail(_ check: OutgoingCheck, _ failure: PairFailure, at now: Instant) {
        guard let pair = session.checklists[check.pair] else { return }
        if check.isOutvoted { return forget(outvoted: check) }
        // A pair that already works is failed only by the check that was to choose it, or to see that it still does.
        let mayFail = check.purpose == .nomination || check.purpose == .keepalive
        guard pair.state != .succeeded || mayFail else { return }
        let failure = shown(failure, on: pair)
        let inUse = components.firstIndex {
            $0.selected?.id == pair.id && $0.selected?.generation == session.generation
        }
        if let inUse {
            losePath(ofComponentAt: inUse, failure, ICEFailure(.checksFailed, failure.message), at: now)
        } else {
            fail(pair, failure)
        }
    }

    mutating func fail(_ pair: CheckPair, _ failure: PairFailure) {
        session.checks.removeAll { $0.pair == pair.id }
        session.nominations.removeAll { $0 == pair.id }
        session.checklists.withList(pair.id.stream) { $0.dequeue(pair.id) }
        session.checklists.update(pair.id) { $0.fail() }
        stopPresuming(pair.id)
        disconnect(failed: pair)
        tell(.pairFailed(pair.description, shown(failure, on: pair)))
    }

    /// The system could not send, or an ICMP error came back (RFC 8445 §7.2.5.2.2).
    ///
    /// - Parameter isLocal: Whether the system itself refused to send. What comes from the network may be a NAT that does not know the
    ///   peer yet, or a forgery: it counts only once requests have been repeated, and never against a pair in use.
    package mutating func unreachable(
        _ destination: TransportAddress, from socket: SocketID, _ error: NetworkError, isLocal: Bool, now: Instant
    ) {
        // A report that a datagram was too large says that the way is there.
        guard state != .closed, error.code != .messageTooLarge else { return }
        // As good as lost on the way: what is sent again finds the route.
        if isLocal, error.code == .networkUnreachable, let due = routesDue(for: socket), now < due { return }
        if let finding = gatherer.unreachable(destination, from: socket, error) { take(finding) }
        let affected = session.checks.all.filter {
            $0.socket == socket && $0.destination == destination && !$0.isCancelled
                && (isLocal || $0.transaction.transmissions >= Self.transmissionsBeforeICMPCounts)
        }
        for check in affected where session.checklists[check.pair]?.state == .inProgress {
            fail(check, PairFailure(error), at: now)
        }
        settle(at: now)
    }

    private static let transmissionsBeforeICMPCounts = 3
}

extension PairFailure {
    init(_ failure: TransactionFailure, of check: OutgoingCheck) {
        let destination = check.destination
        switch failure {
        case .timeout where check.isReliable && check.handedOverAt == nil:
            self.init(
                .timeout,
                "no connection to \(destination) came up: nobody is there, or a firewall drops what opens one")
        case .timeout: self.init(.timeout, "no answer from \(destination)")
        case .integrityViolation:
            self.init(
                .integrity,
                "answers from \(destination) were not signed with the peer's password; compare the credentials")
        case .unknownAttributes, .malformedResponse:
            self.init(.errorResponse, "the answer from \(destination) can't be understood")
        }
    }
}
