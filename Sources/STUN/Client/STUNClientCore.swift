import DequeModule
package import NetBase

/// A client's requests to one server: those in flight, those that wait for their turn, and what became of them (RFC 8489 §6.2).
///
/// Whoever drives it starts requests, hands in what arrives, calls ``advance(to:)`` at the ``deadline``, and performs the effects
/// until there are none.
package struct STUNClientCore {
    /// "a client SHOULD limit itself to ten outstanding transactions to the same server" (RFC 8489 §6.2).
    package static let outstandingLimit = 10

    /// How many requests may wait behind those; more are refused.
    package static let waitingLimit = 1000

    /// What the driver is to do.
    package enum Effect: Hashable, Sendable {
        /// Send these bytes to the server; should that fail, call ``abandon(_:at:)``.
        case send([UInt8], STUNTransactionID)
        /// A success response came, under another ID than the driver's where the request had to be made anew; the round-trip time is nil where a repetition makes it ambiguous.
        case response(STUNMessage, roundTripTime: Duration?)
        /// An error response came.
        case errorResponse(STUNMessage, STUNMessage.ErrorCode)
        /// A request got no answer that may be believed; with it the error that an unsigned answer gave, for people.
        case failed(STUNTransactionID, TransactionFailure, unauthenticated: STUNMessage.ErrorCode?)
        /// Something came that is no response to a request in flight.
        case unknown([UInt8])
    }

    private let schedule: RetransmissionSchedule
    private let isReliable: Bool
    private let usesFingerprint: Bool
    private let key: IntegrityKey?
    private var longTerm: LongTermAuthenticator?
    private var generator: any RandomNumberGenerator
    private let algorithm: IntegrityAlgorithm
    private let knownAttributes: STUNAttributeSet
    private var server: IPAddress
    private var roundTrips: RoundTripCache
    private var outstanding: [Outstanding] = []
    private var waiting: Deque<Request> = []
    private var effects: Deque<Effect> = []

    /// What was asked for, under the ID that the driver knows, and how often it was made anew with other credentials.
    private struct Request {
        let bare: STUNMessage
        var retries = 0
        var id: STUNTransactionID { bare.transactionID }
    }

    private struct Outstanding {
        let request: Request
        var transaction: STUNTransaction
    }

    /// A core without requests; with a key, requests are signed and responses must be. With long-term credentials the same holds as soon
    /// as the server has asked for them, and the generator makes the IDs of requests that are made anew.
    ///
    /// The schedule's timeout is where the estimate of round trips starts and what it never falls below.
    package init(
        server: IPAddress, schedule: RetransmissionSchedule = RetransmissionSchedule(), isReliable: Bool = false,
        key: IntegrityKey? = nil, algorithm: IntegrityAlgorithm = .sha1, usesFingerprint: Bool = true,
        knownAttributes: STUNAttributeSet = .all, longTerm: LongTermAuthenticator? = nil,
        generator: any RandomNumberGenerator = SystemRandomNumberGenerator()
    ) {
        self.server = server
        self.schedule = schedule
        self.isReliable = isReliable
        self.key = key
        self.algorithm = algorithm
        self.usesFingerprint = usesFingerprint
        self.knownAttributes = knownAttributes
        self.longTerm = longTerm
        self.generator = generator
        roundTrips = RoundTripCache(
            RoundTripEstimator(initial: schedule.retransmissionTimeout, floor: schedule.retransmissionTimeout))
    }

    /// When ``advance(to:)`` has something to do.
    package var deadline: Instant? { outstanding.lazy.compactMap(\.transaction.deadline).min() }

    /// How many requests are in flight.
    package var outstandingCount: Int { outstanding.count }

    /// How many requests wait for their turn.
    package var waitingCount: Int { waiting.count }

    /// The next thing to do.
    package mutating func nextEffect() -> Effect? { effects.popFirst() }
}

// MARK: - Requests

extension STUNClientCore {
    /// Sends a request, signed and with a fingerprint where that is so set up, as soon as fewer than ten are in flight.
    ///
    /// Returns false if too many wait already.
    package mutating func start(_ request: STUNMessage, at now: Instant) -> Bool {
        guard waiting.count < Self.waitingLimit else { return false }
        waiting.append(Request(bare: request))
        launch(at: now)
        return true
    }

    private mutating func launch(at now: Instant) {
        while outstanding.count < Self.outstandingLimit, let request = waiting.popFirst() {
            send(request.bare, of: request, at: now)
        }
    }

    private mutating func send(_ message: STUNMessage, of request: Request, at now: Instant) {
        var message = message
        longTerm?.sign(&message)
        if let key { message.appendIntegrity(key, algorithm) }
        if usesFingerprint { message.appendFingerprint() }
        var schedule = schedule
        schedule.retransmissionTimeout = roundTrips.retransmissionTimeout(for: server, at: now)
        let transaction = STUNTransaction(
            request: message, key: key ?? longTerm?.key, schedule: schedule, isReliable: isReliable,
            knownAttributes: knownAttributes, at: now)
        outstanding.append(Outstanding(request: request, transaction: transaction))
        effects.append(.send(message.bytes, request.id))
    }

    /// Forgets a request without a word, as its sending failed.
    package mutating func abandon(_ id: STUNTransactionID, at now: Instant) {
        outstanding.removeAll { $0.request.id == id }
        launch(at: now)
    }

    /// Forgets every request without a word, and returns the IDs in the order of the requests.
    @discardableResult
    package mutating func clear() -> [STUNTransactionID] {
        let ids = outstanding.map(\.request.id) + waiting.map(\.id)
        outstanding.removeAll()
        waiting.removeAll()
        effects.removeAll()
        return ids
    }

    /// Turns to a server at another address; the round trips that were learned of others are kept, challenges are not.
    package mutating func turn(to server: IPAddress) {
        self.server = server
        longTerm?.forgetChallenge()
    }
}

// MARK: - Time and responses

extension STUNClientCore {
    /// Sends again and gives up what is due.
    package mutating func advance(to now: Instant) {
        for index in outstanding.indices {
            while let step = outstanding[index].transaction.advance(to: now) {
                let sent = outstanding[index]
                switch step {
                case .retransmit: effects.append(.send(sent.transaction.request.bytes, sent.request.id))
                case .failed(let failure): report(failure, of: sent)
                }
            }
        }
        retire(at: now)
    }

    /// Looks at a datagram from the server.
    package mutating func receive(_ bytes: Span<UInt8>, at now: Instant) {
        guard let message = try? STUNMessage(parsing: bytes) else {
            effects.append(.unknown([UInt8](copying: bytes)))
            return
        }
        receive(message, at: now)
    }

    /// Looks at a message from the server.
    package mutating func receive(_ message: STUNMessage, at now: Instant) {
        let id = message.transactionID
        guard message.messageClass.isResponse,
            let index = outstanding.firstIndex(where: { $0.transaction.transactionID == id })
        else {
            effects.append(.unknown(message.bytes))
            return
        }
        guard let outcome = outstanding[index].transaction.receive(message, at: now) else { return }
        let sent = outstanding[index]
        let roundTripTime = sent.transaction.roundTripTime(at: now)
        switch outcome {
        case .success: effects.append(.response(message, roundTripTime: roundTripTime))
        case .error(let error):
            if !retry(sent, after: error, message, at: now) { effects.append(.errorResponse(message, error)) }
        case .failed(let failure): report(failure, of: sent)
        }
        // After an integrity violation it is unknown who answered.
        if let roundTripTime, outcome != .failed(.integrityViolation) {
            roundTrips.add(roundTripTime, for: server, at: now)
        }
        retire(at: now)
    }

    /// Makes a request anew where the server asks for other credentials and there are some (RFC 8489 §9.2.5).
    private mutating func retry(
        _ sent: Outstanding, after error: STUNMessage.ErrorCode, _ response: STUNMessage, at now: Instant
    ) -> Bool {
        guard error.code == 401 || error.code == 438,
            longTerm?.handle(response, to: sent.transaction.request, retries: sent.request.retries) == .retry
        else { return false }
        var request = sent.request
        request.retries += 1
        send(request.bare.renamed(STUNTransactionID(using: &generator)), of: request, at: now)
        return true
    }

    private mutating func report(_ failure: TransactionFailure, of sent: Outstanding) {
        effects.append(
            .failed(sent.request.id, failure, unauthenticated: sent.transaction.unauthenticatedError))
    }

    private mutating func retire(at now: Instant) {
        outstanding.removeAll(where: \.transaction.isFinished)
        launch(at: now)
    }
}
