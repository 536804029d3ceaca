package import NetBase
import STUN

// What an allocation of TCP has in the place of channels (RFC 6062).

// MARK: - Asking the server to connect

extension AllocationClient {
    /// Asks the server to connect to a peer from the relayed address; no permission is needed for that.
    ///
    /// Answered by ``AllocationEvent/connected(_:)`` or ``AllocationEvent/connectRefused(_:_:)``, once for all who have asked meanwhile,
    /// unless the allocation comes to its end before.
    package mutating func connect(to peer: TransportAddress, at now: Instant) {
        let peer = peer.unscoped
        func refuse(_ failure: RequestFailure) { tell(.connectRefused(peer, failure)) }
        guard options.relayTransport == .tcp else { return refuse(.otherTransport) }
        guard mayHaveAllocation else { return refuse(.noAllocation) }
        // "Connect requests with the same XOR-PEER-ADDRESS parameter MUST NOT be sent simultaneously" (RFC 6062 §4.3).
        if connects.contains(peer) || isRequested({ $0.purpose == .connect(peer) }) { return }
        if let pause = connects.remainingPause(of: peer, at: now) { return refuse(.tooEarly(pause)) }
        guard !connects.isFull else { return refuse(.tooMany) }
        connects.append(peer)
        launch(at: now)
    }

    /// The next peer that the server may be asked to connect to.
    mutating func nextConnect() -> TURNRequest? {
        let count = outstanding.count { if case .connect = $0.request.purpose { true } else { false } }
        guard count < ConnectQueue.outstandingLimit else { return nil }
        return connects.next().map { TURNRequest(.connect($0)) }
    }

    mutating func connected(_ peer: TransportAddress, _ response: STUNMessage, at now: Instant) {
        guard lifecycle.isAllocated else { return }
        guard let id = response[STUNMessage.ConnectionID.self]?.value else {
            return tell(.connectRefused(peer, .unanswered(.malformedResponse)))
        }
        tell(.connected(PeerConnection(id: id, peer: peer, heardAt: now)))
    }

    mutating func connectFailed(
        _ peer: TransportAddress, _ request: TURNRequest, _ error: STUNMessage.ErrorCode, at now: Instant
    ) {
        if error.code == 437 {
            if move(at: now, repeating: request) { return }
            tell(.error(.connect, error))
            return lose(.forgotten, at: now)
        }
        if error.code == 447 { connects.leaveAlone(peer, at: now) }
        tell(.connectRefused(peer, .refused(code: error.code, reason: error.reason)))
    }
}

// MARK: - Peers that connect

extension AllocationClient {
    /// A peer has connected to the relayed address; one that may not is the server's mistake, or not the server's word.
    mutating func receiveAttempt(_ message: STUNMessage, at now: Instant) {
        guard lifecycle.isAllocated, options.relayTransport == .tcp,
            let peer = message[STUNMessage.XORPeerAddress.self]?.address,
            let id = message[STUNMessage.ConnectionID.self]?.value
        else { return }
        attempts.advance(to: now)
        let connection = PeerConnection(id: id, peer: peer, heardAt: now)
        guard isLetIn(peer.ip, at: now), attempts.insert(connection) else { return tell(.attemptIgnored(peer)) }
        tell(.attempted(connection))
    }

    /// Takes a peer's connection, which is then to be bound; nil where that was done before, or is too late.
    package mutating func accept(_ connection: PeerConnection, at now: Instant) -> PeerConnection? {
        attempts.advance(to: now)
        return attempts.take(connection.id)
    }

    /// Leaves a peer's connection to the server, which closes it half a minute after it was made: RFC 6062 has no word for a refusal.
    package mutating func refuse(_ connection: PeerConnection) { _ = attempts.take(connection.id) }

    /// What binds a new connection to the server to that of a peer, with the credentials of this allocation.
    package func makeBinding(
        of connection: PeerConnection, generator: any RandomNumberGenerator
    ) -> ConnectionBinding {
        ConnectionBinding(connection, authenticator: authenticator, options, generator: generator)
    }

    /// Lets a binding know the access tokens that came since it was made.
    package func update(_ binding: inout ConnectionBinding) { binding.follow(authenticator) }
}
