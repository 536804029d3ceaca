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
        /// A success response came; the round-trip time is nil where a repetition makes it ambiguous.
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
    private let algorithm: IntegrityAlgorithm
    private let knownAttributes: STUNAttributeSet
    private var server: IPAddress
    private var roundTrips: RoundTripCache
    private var outstanding: [STUNTransaction] = []
    private var waiting: Deque<STUNMessage> = []
    private var effects: Deque<Effect> = []

    /// A core without requests; with a key, requests are signed and responses must be.
    ///
    /// The schedule's timeout is where the estimate of round trips starts and what it never falls below.
    package init(
        server: IPAddress, schedule: RetransmissionSchedule = RetransmissionSchedule(), isReliable: Bool = false,
        key: IntegrityKey? = nil, algorithm: IntegrityAlgorithm = .sha1, usesFingerprint: Bool = true,
        knownAttributes: STUNAttributeSet = .all
    ) {
        self.server = server
        self.schedule = schedule
        self.isReliable = isReliable
        self.key = key
        self.algorithm = algorithm
        self.usesFingerprint = usesFingerprint
        self.knownAttributes = knownAttributes
        roundTrips = RoundTripCache(
            RoundTripEstimator(initial: schedule.retransmissionTimeout, floor: schedule.retransmissionTimeout))
    }

    /// When ``advance(to:)`` has something to do.
    package var deadline: Instant? { outstanding.compactMap(\.deadline).min() }

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
        waiting.append(request)
        launch(at: now)
        return true
    }

    private mutating func launch(at now: Instant) {
        while outstanding.count < Self.outstandingLimit, var request = waiting.popFirst() {
            if let key { request.appendIntegrity(key, algorithm) }
            if usesFingerprint { request.appendFingerprint() }
            var schedule = schedule
            schedule.retransmissionTimeout = roundTrips.retransmissionTimeout(for: server, at: now)
            let transaction = STUNTransaction(
                request: request, key: key, schedule: schedule, isReliable: isReliable,
                knownAttributes: knownAttributes, at: now)
            outstanding.append(transaction)
            effects.append(.send(request.bytes, request.transactionID))
        }
    }

    /// Forgets a request without a word, as its sending failed.
    package mutating func abandon(_ id: STUNTransactionID, at now: Instant) {
        outstanding.removeAll { $0.transactionID == id }
        launch(at: now)
    }

    /// Forgets every request without a word, and returns the IDs in the order of the requests.
    @discardableResult
    package mutating func clear() -> [STUNTransactionID] {
        let ids = outstanding.map(\.transactionID) + waiting.map(\.transactionID)
        outstanding.removeAll()
        waiting.removeAll()
        effects.removeAll()
        return ids
    }

    /// Turns to a server at another address; what was learned about the others is kept.
    package mutating func turn(to server: IPAddress) {
        self.server = server
    }
}

// MARK: - Time and responses

extension STUNClientCore {
    /// Sends again and gives up what is due.
    package mutating func advance(to now: Instant) {
        for index in outstanding.indices {
            while let step = outstanding[index].advance(to: now) {
                let transaction = outstanding[index]
                switch step {
                case .retransmit: effects.append(.send(transaction.request.bytes, transaction.transactionID))
                case .failed(let failure): report(failure, of: transaction)
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
        guard message.messageClass.isResponse, let index = outstanding.firstIndex(where: { $0.transactionID == id })
        else {
            effects.append(.unknown(message.bytes))
            return
        }
        guard let outcome = outstanding[index].receive(message, at: now) else { return }
        let transaction = outstanding[index]
        let roundTripTime = transaction.roundTripTime(at: now)
        switch outcome {
        case .success: effects.append(.response(message, roundTripTime: roundTripTime))
        case .error(let error): effects.append(.errorResponse(message, error))
        case .failed(let failure): report(failure, of: transaction)
        }
        // After an integrity violation it is unknown who answered.
        if let roundTripTime, outcome != .failed(.integrityViolation) {
            roundTrips.add(roundTripTime, for: server, at: now)
        }
        retire(at: now)
    }

    private mutating func report(_ failure: TransactionFailure, of transaction: STUNTransaction) {
        effects.append(
            .failed(transaction.transactionID, failure, unauthenticated: transaction.unauthenticatedError))
    }

    private mutating func retire(at now: Instant) {
        outstanding.removeAll(where: \.isFinished)
        launch(at: now)
    }
}
