import DequeModule
package import NetBase
package import STUN

extension AllocationClient {
    /// "a client SHOULD limit itself to ten outstanding transactions to the same server" (RFC 8489 §6.2).
    private static let outstandingLimit = 10

    /// So many peers keep a request well below what any path carries.
    private static let peersPerRequest = 16

    /// Sends what waits, as far as the server may be asked so much at once; only an allocation that is there can be asked about.
    mutating func launch(at now: Instant) {
        while case .allocated(let allocation) = lifecycle, !isMoving, !isOffering,
            outstanding.count < Self.outstandingLimit, let request = nextWaiting() ?? nextConnect()
        {
            switch request.purpose {
            case .permit(let peers) where !allocation.hasAddress(for: peers[0].family):
                tell(.permissionRefused(peers[0], .familyMismatch))
            case .bind(let channel, let peer) where !allocation.hasAddress(for: peer.family):
                channels.refuse(channel, at: now)
                tell(.channelRefused(peer, .familyMismatch))
            case .connect(let peer) where !allocation.hasAddress(for: peer.family):
                tell(.connectRefused(peer, .familyMismatch))
            default: start(request, at: now)
            }
        }
    }

    /// The next request that waits, several refreshes of permissions in one: the server has taken these peers before. First requests
    /// stay apart, so that a peer that it refuses does not hold others up.
    private mutating func nextWaiting() -> TURNRequest? {
        guard let first = waiting.popFirst() else { return nil }
        guard case .permit(var peers) = first.purpose, first.isAutomatic else { return first }
        var moves = first.moves
        while peers.count < Self.peersPerRequest, case .permit(let more) = waiting.first?.purpose,
            waiting.first?.isAutomatic == true
        {
            moves = max(moves, waiting.removeFirst().moves)
            peers += more
        }
        var request = TURNRequest(.permit(peers), isAutomatic: true)
        request.moves = moves
        return request
    }

    /// Sends a request now, signed as far as the server has told how.
    mutating func start(_ request: TURNRequest, at now: Instant) {
        var message = STUNMessage(
            .request, request.method, transactionID: STUNTransactionID(using: &generator))
        write(request.purpose, into: &message)
        if request.showsTicket, let ticket = lifecycle.allocation?.ticket {
            message.append(STUNMessage.MobilityTicket(ticket))
        }
        authenticator.sign(&message)
        if options.usesFingerprint { message.appendFingerprint() }
        var schedule = options.retransmission
        schedule.retransmissionTimeout = roundTrips.retransmissionTimeout
        let transaction = STUNTransaction(
            request: message, key: authenticator.key(for: message.method), schedule: schedule, isReliable: isReliable,
            knownAttributes: .turn, at: now)
        let credential = authenticator.credential(for: message.method)
        outstanding.append(OutstandingRequest(request: request, transaction: transaction, credential: credential))
        perform(.send(message.bytes))
    }

    // MARK: - Messages

    private func write(_ purpose: TURNRequest.Purpose, into message: inout STUNMessage) {
        switch purpose {
        case .allocate: writeAllocate(into: &message)
        case .refresh(let seconds, let family):
            message.append(STUNMessage.Lifetime(seconds))
            if let family { message.append(STUNMessage.RequestedAddressFamily(family)) }
            if let software = options.software { message.append(STUNMessage.Software(software)) }
        case .move:
            message.append(STUNMessage.Lifetime(Self.seconds(options.lifetime)))
            if let ticket = lifecycle.allocation?.ticket { message.append(STUNMessage.MobilityTicket(ticket)) }
        case .permit(let peers):
            for peer in peers { message.append(STUNMessage.XORPeerAddress(TransportAddress(peer, port: 0))) }
        case .bind(let channel, let peer):
            message.append(STUNMessage.ChannelNumber(channel.rawValue))
            message.append(STUNMessage.XORPeerAddress(peer))
        case .connect(let peer):
            message.append(STUNMessage.XORPeerAddress(peer))
        }
    }

    /// RFC 8656 §7.1 and RFC 6062 §4.1; what excludes each other is resolved as ``AllocationOptions/conflict`` says.
    private func writeAllocate(into message: inout STUNMessage) {
        message.append(STUNMessage.RequestedTransport(options.relayTransport.rawValue))
        message.append(STUNMessage.Lifetime(Self.seconds(options.lifetime)))
        if let software = options.software { message.append(STUNMessage.Software(software)) }
        if usesMobility { message.append(STUNMessage.MobilityTicket()) }
        if usesDontFragment { message.append(STUNMessage.DontFragment()) }
        let demandsPort = demandsPort && options.relayTransport == .udp
        if demandsPort, let token = options.reservationToken {
            message.append(STUNMessage.ReservationToken(token))
            return
        }
        let wantsBoth = options.families.count > 1
        if wantsBoth {
            message.append(STUNMessage.AdditionalAddressFamily(.v6))
        } else if options.families == [.v6] {
            message.append(STUNMessage.RequestedAddressFamily(.v6))
        }
        if demandsPort, let evenPort = options.evenPort {
            message.append(STUNMessage.EvenPort(reservesNextPort: evenPort == .reservingNext && !wantsBoth))
        }
    }
}

// MARK: - Responses and time

extension AllocationClient {
    /// Looks at a message from the server: a response, or a Data indication with an ICMP error. Those with data are for
    /// ``payload(of:at:)``; everything else is passed over.
    package mutating func receive(_ message: STUNMessage, at now: Instant) {
        guard message.messageClass.isResponse else { return receiveIndication(message, at: now) }
        let id = message.transactionID
        guard let index = outstanding.firstIndex(where: { $0.transaction.transactionID == id }) else { return }
        guard let outcome = outstanding[index].transaction.receive(message, at: now) else {
            return receive(unsigned: outstanding[index].transaction.unauthenticatedError, to: index, at: now)
        }
        let sent = outstanding.remove(at: index)
        // The answer to Connect is as far as the peer.
        if outcome != .failed(.integrityViolation), sent.request.method != .connect,
            let sample = sent.transaction.roundTripTime(at: now)
        {
            roundTrips.add(sample)
        }
        switch outcome {
        case .success: succeed(sent, message, at: now)
        case .error(let error): fail(sent, error, message, at: now)
        case .failed(let failure): giveUp(sent, failure, at: now)
        }
        launch(at: now)
    }

    mutating func advanceTransactions(to now: Instant) {
        var ended: [(OutstandingRequest, TransactionFailure)] = []
        for index in outstanding.indices {
            while let step = outstanding[index].transaction.advance(to: now) {
                switch step {
                case .retransmit: perform(.send(outstanding[index].transaction.request.bytes))
                case .failed(let failure): ended.append((outstanding[index], failure))
                }
            }
        }
        outstanding.removeAll(where: \.transaction.isFinished)
        for (sent, failure) in ended { giveUp(sent, failure, at: now) }
    }

    private mutating func succeed(_ sent: OutstandingRequest, _ response: STUNMessage, at now: Instant) {
        let requestedAt = sent.transaction.firstSentAt
        if sent.request.method.carriesToken { authenticator.confirm(sent.credential) }
        switch sent.request.purpose {
        case .allocate: allocated(response, requestedAt: requestedAt, at: now)
        case .refresh(let seconds, let family):
            refreshed(seconds, family, response, requestedAt: requestedAt, at: now)
        case .move:
            let seconds = Self.seconds(options.lifetime)
            refreshed(seconds, nil, response, requestedAt: requestedAt, at: now)
        case .permit(let peers): permitted(peers, sent.request, requestedAt: requestedAt, at: now)
        case .bind(let channel, let peer): bound(channel, peer, sent.request, requestedAt: requestedAt, at: now)
        case .connect(let peer): connected(peer, response, at: now)
        }
    }

    /// Challenges are answered here, without a word to anybody; all other errors are for those whose request it was.
    private mutating func fail(
        _ sent: OutstandingRequest, _ error: STUNMessage.ErrorCode, _ response: STUNMessage, at now: Instant
    ) {
        var refusal: LongTermAuthenticator.Refusal?
        if error.code == 401 || error.code == 438 {
            switch authenticator.handle(response, to: sent, isOffering: isOffering, at: now) {
            case .retry:
                tellQuestion()
                var request = sent.request
                request.retries += 1
                // Behind the request that offers another token, the server knows that one's key.
                if isOffering { return waiting.prepend(request) }
                return start(request, at: now)
            case .awaitToken:
                if awaitToken(for: sent.request, response, at: now) { return }
            case .giveUp(let reason): refusal = reason
            case .changePort: return changePort(at: now)
            case .refuse(let reason): return refused(reason, at: now)
            }
        } else if sent.request.method.carriesToken {
            authenticator.confirm(sent.credential)
        }
        switch sent.request.purpose {
        case .allocate: allocateFailed(error, refusal, response, at: now)
        case .refresh(let seconds, let family): refreshFailed(seconds, family, error, at: now)
        case .move: moveFailed(sent.request, error, at: now)
        case .permit(let peers): permitFailed(peers, sent.request, error, at: now)
        case .bind(let channel, let peer): bindFailed(channel, peer, sent.request, error, at: now)
        case .connect(let peer): connectFailed(peer, sent.request, error, at: now)
        }
    }

    private mutating func giveUp(_ sent: OutstandingRequest, _ failure: TransactionFailure, at now: Instant) {
        switch sent.request.purpose {
        case .allocate:
            let unauthenticated = sent.transaction.unauthenticatedError
            end(.failed(.init(cause: .unanswered(failure, unauthenticated: unauthenticated), retry: .anyTime)), at: now)
        case .refresh(let seconds, let family): refreshUnanswered(seconds, family, at: now)
        case .move: moveUnanswered(sent.request, at: now)
        case .permit(let peers): permitUnanswered(peers, sent.request, failure, at: now)
        case .bind(let channel, let peer): bindUnanswered(channel, peer, sent.request, failure, at: now)
        case .connect(let peer): tell(.connectRefused(peer, .unanswered(failure)))
        }
    }
}
