package import NetBase
import STUN

// What keeps a selected path, and those behind it, alive.
extension ICEAgent {
    // MARK: Consent (RFC 7675) and keepalives (RFC 8445 §11)

    mutating func advancePaths(to now: Instant) {
        for index in components.indices {
            guard let path = components[index].selected else { continue }
            if path.consent != nil {
                advanceConsent(ofComponentAt: index, to: now)
            } else if now >= path.nextKeepalive {
                sendKeepalive(forComponentAt: index, at: now)
            }
        }
    }

    private mutating func advanceConsent(ofComponentAt index: Int, to now: Instant) {
        switch components[index].selected?.consent?.advance(to: now, using: &generator) {
        case .check: sendConsentCheck(forComponentAt: index, at: now)
        case .expired:
            let text = "no answer to consent checks for \(configuration.consentTimeout)"
            losePath(
                ofComponentAt: index, PairFailure(.consentExpired, text),
                ICEFailure(.consentExpired, "\(text); restart ICE to find another way"), at: now)
        case nil: break
        }
    }

    private mutating func sendKeepalive(forComponentAt index: Int, at now: Instant) {
        let interval = keepaliveInterval
        components[index].selected?.nextKeepalive = now + interval
        var indication = STUNMessage(.indication, .binding, transactionID: STUNTransactionID(using: &generator))
        indication.appendFingerprint()
        emit(.keepAlive(indication.bytes, components[index].path, unlessSentWithin: interval))
    }

    /// Data has taken the keepalive's place: it is due when the interval has passed since that (RFC 8445 §11).
    package mutating func postponeKeepalive(of path: StreamComponent, to instant: Instant) {
        guard let index = components.firstIndex(where: { $0.path == path }) else { return }
        components[index].selected?.nextKeepalive = instant
    }

    private mutating func sendConsentCheck(forComponentAt index: Int, at now: Instant) {
        guard let path = components[index].selected else { return }
        let request = CheckRequest(
            transactionID: STUNTransactionID(using: &generator), priority: path.checkPriority, role: role,
            tieBreaker: tieBreaker, nominates: false)
        guard let message = request.message(keys: path.keys) else { return }
        components[index].selected?.consent?.sent(request.transactionID, at: now)
        emit(.send(message.bytes, from: path.socket, to: path.destination))
    }

    /// Takes the answer to a consent check; false if it is none.
    mutating func receiveConsent(
        _ response: STUNMessage, from source: TransportAddress, on socket: SocketID, at now: Instant
    ) -> Bool {
        guard
            let index = components.firstIndex(where: {
                $0.selected?.consent?.isWaiting(for: response.transactionID) == true
            }), let path = components[index].selected, let key = path.keys.remoteKey,
            path.socket == socket, path.destination == source, response.fingerprint != .invalid,
            case .valid = response.verifyIntegrity(key, .sha1)
        else { return false }
        if response.messageClass == .success {
            if let sample = components[index].selected?.consent?.answered(response.transactionID, at: now) {
                roundTrips.add(sample)
            }
            session.checklists.update(path.id) { $0.confirm(at: now) }
        } else if response[STUNMessage.ErrorCode.self]?.code == STUNMessage.ErrorCode.forbidden.code {
            components[index].selected?.consent?.revoke()
            losePath(
                ofComponentAt: index, PairFailure(.consentExpired, "the peer took back its consent"),
                ICEFailure(.consentRevoked, "the peer answered 403 and wants nothing more to be sent"), at: now)
        }
        return true
    }

    /// A check of the peer's over the pair in use.
    mutating func noteSignOfLife(_ check: IncomingCheck, at now: Instant) {
        guard let index = components.firstIndex(where: { $0.path == check.path }),
            let path = components[index].selected, path.socket == check.socket, path.destination == check.source
        else { return }
        components[index].selected?.consent?.heard(at: now)
    }

    // MARK: Backups

    private var backups: some Sequence<CheckPair> {
        session.checklists.pairs.filter { pair in
            pair.state == .succeeded && isConcluded(pair.path)
                && !components.contains { $0.selected?.id == pair.id && $0.selected?.generation == session.generation }
                && !session.checks.all.contains { $0.pair == pair.id }
        }
    }

    var backupDeadline: Instant? {
        backups.compactMap { $0.valid.map { $0.confirmedAt + keepaliveInterval } }.min()
    }

    mutating func advanceBackups(to now: Instant) {
        for pair in Array(backups) {
            guard let valid = pair.valid, now >= valid.confirmedAt + keepaliveInterval else { continue }
            sendCheck(on: pair, for: .keepalive, at: now)
        }
    }
}
