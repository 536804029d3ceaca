import NetBase
import STUN

// Where checks and their answers are counted and noted.
extension ICEAgent {
    // MARK: Sent

    /// A check goes out for the first time.
    mutating func note(sent request: CheckRequest, for purpose: OutgoingCheck.Purpose, on pair: CheckPair) {
        count(on: pair.id) { $0.requestsSent += 1 }
        guard isTracing else { return }
        trace(.checkSent(pair.description, request.transactionID, "\(purpose)", nominates: request.nominates))
    }

    /// A check goes out again.
    mutating func note(repeated check: OutgoingCheck) {
        count(on: check.pair) { $0.retransmissionsSent += 1 }
        guard isTracing, let pair = session.checklists[check.pair]?.description else { return }
        let transaction = check.transaction
        trace(
            .checkSent(
                pair, transaction.transactionID, "\(check.purpose)", nominates: check.nominates,
                retransmission: transaction.transmissions - 1))
    }

    /// A consent check goes out.
    mutating func note(consentRequest request: CheckRequest, on path: SelectedPath) {
        count(on: path.id) { $0.consentRequestsSent += 1 }
        trace(.checkSent(path.pair, request.transactionID, "consent", nominates: request.nominates))
    }

    // MARK: Answered by the peer

    /// The authentic answer to a check came.
    mutating func note(
        answer outcome: STUNTransaction.Outcome, to check: OutgoingCheck, from source: TransportAddress, at now: Instant
    ) {
        count(on: check.pair) { $0.responsesReceived += 1 }
        guard isTracing, let pair = session.checklists[check.pair]?.description else { return }
        var error: STUNMessage.ErrorCode?
        if case .error(let code) = outcome { error = code }
        trace(
            .responseReceived(
                pair, check.transaction.transactionID, "\(check.purpose)", error, from: source,
                roundTrip: check.transaction.roundTripTime(at: now)))
    }

    /// The authentic answer to a consent check came.
    mutating func note(
        consentAnswer response: STUNMessage, on path: SelectedPath, from source: TransportAddress, roundTrip: Duration?
    ) {
        count(on: path.id) { $0.responsesReceived += 1 }
        if let roundTrip { note(roundTrip: roundTrip, on: path.id) }
        trace(
            .responseReceived(
                path.pair, response.transactionID, "consent", response[STUNMessage.ErrorCode.self], from: source,
                roundTrip: roundTrip))
    }

    /// An answer to a check or consent check came that can't be believed. Nothing follows from it, but it tells why none comes that can.
    mutating func trace(disregarded response: STUNMessage, from source: TransportAddress) {
        guard isTracing, let (pair, purpose) = question(answeredBy: response) else { return }
        trace(
            ICETraceEvent(.responseDisregarded, pair) {
                $0.purpose = purpose
                $0.transactionID = response.transactionID.description
                $0.source = source
                $0.code = response[STUNMessage.ErrorCode.self]?.code
                $0.message = response[STUNMessage.ErrorCode.self]?.reason
            })
    }

    private func question(answeredBy response: STUNMessage) -> (CandidatePair, purpose: String)? {
        let id = response.transactionID
        if let check = session.checks.all.first(where: { $0.transaction.transactionID == id }) {
            return session.checklists[check.pair].map { ($0.description, "\(check.purpose)") }
        }
        let used = components.lazy.compactMap(\.selected).first { $0.upkeep?.consent.isWaiting(for: id) == true }
        return used.map { ($0.pair, "consent") }
    }

    // MARK: Received and answered

    /// An authentic check of the peer came.
    mutating func trace(received check: IncomingCheck) {
        guard isTracing else { return }
        let event = event(.checkReceived, between: check.socket, check.source) {
            $0.source = check.source
            $0.transactionID = check.request.transactionID.description
            $0.usesCandidate = check.nominates
            $0.role = check.claimed?.role
        }
        trace(event)
    }

    /// A request is answered, be it with an error.
    mutating func trace(
        answerTo request: CheckView, to destination: TransportAddress, from socket: SocketID, code: Int? = nil
    ) {
        guard isTracing else { return }
        let event = event(.responseSent, between: socket, destination) {
            $0.destination = destination
            $0.transactionID = request.transactionID.description
            $0.code = code
        }
        trace(event)
    }

    /// A consent check of the peer over a pair of an earlier generation is answered.
    mutating func note(retiredAnswerTo request: CheckView, to destination: TransportAddress, from socket: SocketID) {
        let used = components.lazy.compactMap(\.selected).first { $0.socket == socket && $0.destination == destination }
        guard let used else { return }
        count(on: used.id) {
            $0.requestsReceived += 1
            $0.responsesSent += 1
        }
        trace(
            ICETraceEvent(.responseSent, used.pair) {
                $0.destination = destination
                $0.transactionID = request.transactionID.description
            })
    }

    /// An event about what goes between a socket and an address, and so about their pair if there is one yet.
    private func event(
        _ kind: ICETraceEvent.Kind, between socket: SocketID, _ address: TransportAddress,
        _ fill: (inout ICETraceEvent) -> Void
    ) -> ICETraceEvent {
        if let pair = countedPairs.first(where: { $0.socket == socket && $0.destination == address }) {
            return ICETraceEvent(kind, pair, fill)
        }
        return ICETraceEvent(kind) {
            $0.path = sockets.first { $0.id == socket }?.path
            $0.localCandidateID = localCandidates.base(of: socket)?.id
            fill(&$0)
        }
    }
}

extension ICETraceEvent {
    static func checkSent(
        _ pair: CandidatePair, _ id: STUNTransactionID, _ purpose: String, nominates: Bool, retransmission: Int = 0
    ) -> ICETraceEvent {
        ICETraceEvent(.checkSent, pair) {
            $0.purpose = purpose
            $0.transactionID = id.description
            $0.retransmission = retransmission
            $0.usesCandidate = nominates
        }
    }

    static func responseReceived(
        _ pair: CandidatePair, _ id: STUNTransactionID, _ purpose: String, _ error: STUNMessage.ErrorCode?,
        from source: TransportAddress, roundTrip: Duration?
    ) -> ICETraceEvent {
        ICETraceEvent(.responseReceived, pair) {
            $0.purpose = purpose
            $0.transactionID = id.description
            $0.source = source
            $0.code = error?.code
            $0.message = error?.reason
            $0.roundTripTime = roundTrip
        }
    }
}
