package import NetBase

/// One request and the wait for its response, on the client's side (RFC 8489 §6.2, §6.3.3, §6.3.4).
///
/// Whoever makes it sends `request.bytes` at once, calls ``advance(to:)`` at the ``deadline`` until that returns nil, and hands in
/// the responses.
///
///                 ┌─ advance: retransmit ─┐
///                 ▼                       │
///     init ──▶ repeating ─────────────────┘──── last sent, stopRetransmitting ───▶ waiting
///                 │                                                                 │
///                 └────────────── receive: answered · advance: time is up ──────────┴──▶ finished
package struct STUNTransaction {
    /// Where the transaction stands.
    package enum State: Hashable, Sendable {
        /// The next request goes out at the deadline.
        case repeating(until: Instant)
        /// No more requests go out; the transaction fails at the deadline.
        case waiting(until: Instant)
        /// The response came, or the transaction failed.
        case finished
    }

    /// What a deadline brings.
    package enum Step: Hashable, Sendable {
        /// Send `request.bytes` once more.
        case retransmit
        /// It is over.
        case failed(TransactionFailure)
    }

    /// What a response brings.
    package enum Outcome: Hashable, Sendable {
        /// A success response that may be believed.
        case success
        /// An error response that may be believed.
        case error(STUNMessage.ErrorCode)
        /// A response that ends the transaction but says nothing.
        case failed(TransactionFailure)
    }

    /// What is sent, each time byte for byte the same (RFC 8489 §5).
    package let request: STUNMessage

    /// The request's ID.
    package let transactionID: STUNTransactionID

    /// When the request was first sent.
    package let firstSentAt: Instant

    /// When it was last sent.
    package private(set) var lastSentAt: Instant

    /// How often it was sent.
    package private(set) var transmissions = 1

    /// Where the transaction stands.
    package private(set) var state: State

    /// The latest error response that had to be disregarded because it was not signed, to explain a failure with (never to act on).
    package private(set) var unauthenticatedError: STUNMessage.ErrorCode?

    private let method: STUNMethod
    private let key: IntegrityKey?
    private let schedule: RetransmissionSchedule
    private let isReliable: Bool
    private let known: STUNAttributeSet
    private var sawIntegrityViolation = false

    /// A transaction whose request is being sent right now.
    ///
    /// With a key, only responses signed with it and by an algorithm of the request's count.
    package init(
        request: STUNMessage, key: IntegrityKey?, schedule: RetransmissionSchedule, isReliable: Bool = false,
        knownAttributes: STUNAttributeSet = .all, at now: Instant
    ) {
        self.request = request
        transactionID = request.transactionID
        method = request.method
        self.key = key
        self.schedule = schedule
        self.isReliable = isReliable
        known = knownAttributes
        firstSentAt = now
        lastSentAt = now
        state =
            isReliable
            ? .waiting(until: now + schedule.reliableTimeout) : Self.stateAfter(transmission: 1, at: now, schedule)
    }

    /// When ``advance(to:)`` has something to do; nil once finished.
    package var deadline: Instant? {
        switch state {
        case .repeating(let instant), .waiting(let instant): instant
        case .finished: nil
        }
    }

    /// Whether an answer came or the time is up.
    package var isFinished: Bool { state == .finished }

    /// The time between request and response, nil where a repetition makes it ambiguous (Karn's algorithm, RFC 8489 §6.2.1).
    package func roundTripTime(at now: Instant) -> Duration? {
        transmissions == 1 ? now - firstSentAt : nil
    }
}

// MARK: - Moves

extension STUNTransaction {
    private static func stateAfter(
        transmission: Int, at now: Instant, _ schedule: RetransmissionSchedule
    ) -> State {
        let end = now + schedule.interval(after: transmission)
        return transmission < schedule.requestLimit ? .repeating(until: end) : .waiting(until: end)
    }

    /// What is due at an instant, one step at a time; nil when nothing is.
    package mutating func advance(to now: Instant) -> Step? {
        guard let deadline, deadline <= now else { return nil }
        switch state {
        case .repeating:
            transmissions += 1
            lastSentAt = now
            state = Self.stateAfter(transmission: transmissions, at: now, schedule)
            return .retransmit
        case .waiting:
            state = .finished
            return .failed(sawIntegrityViolation ? .integrityViolation : .timeout)
        case .finished:
            return nil
        }
    }

    /// Sends no more, but waits for an answer for as long as the schedule would have (RFC 8445 §7.3.1.4).
    package mutating func stopRetransmitting() {
        guard case .repeating = state else { return }
        state = .waiting(until: lastSentAt + schedule.remainder(after: transmissions))
    }

    /// Looks at a message; nil where it is no response of this transaction or has to be disregarded.
    package mutating func receive(_ response: STUNMessage, at now: Instant) -> Outcome? {
        guard !isFinished, response.messageClass.isResponse, response.transactionID == transactionID,
            response.method == method, response.fingerprint != .invalid
        else { return nil }
        guard !mustIgnore(response) else { return nil }
        guard isAuthentic(response) else { return disregard(response) }
        state = .finished
        return outcome(of: response)
    }

    /// Two responses that count as never received where a user's password is at stake (RFC 8489 §9.2.5): one without the password
    /// algorithms that its nonce promises, and a 400 that nobody signed. A bare first request may be told 400: nothing could be signed yet.
    private mutating func mustIgnore(_ response: STUNMessage) -> Bool {
        if key?.mechanism == .shortTerm || Self.isChallenge(response) { return false }
        if response.withholdsPasswordAlgorithms { return true }
        guard key != nil, let error = response[STUNMessage.ErrorCode.self], error.code == 400,
            !IntegrityAlgorithm.allCases.contains(where: { response.contains(type: $0.attributeType) })
        else { return false }
        unauthenticatedError = error
        return true
    }

    /// RFC 8489 §9.1.4: on an unreliable transport as if it never came, on a reliable one the end.
    private mutating func disregard(_ response: STUNMessage) -> Outcome? {
        sawIntegrityViolation = true
        unauthenticatedError = response[STUNMessage.ErrorCode.self] ?? unauthenticatedError
        guard isReliable else { return nil }
        state = .finished
        return .failed(.integrityViolation)
    }

    private func isAuthentic(_ response: STUNMessage) -> Bool {
        guard let key else { return true }
        if Self.isChallenge(response), mayBeUnsigned(response, key.mechanism) { return true }
        return IntegrityAlgorithm.allCases.contains {
            request.contains(type: $0.attributeType) && response.verifyIntegrity(key, $0) == .valid($0)
        }
    }

    /// A server that cannot open the token has no session key; one that has it signs with it (RFC 7635 §7).
    private func mayBeUnsigned(_ challenge: STUNMessage, _ mechanism: IntegrityKey.Mechanism) -> Bool {
        switch mechanism {
        case .shortTerm: false
        case .longTerm: true
        case .accessToken: !IntegrityAlgorithm.allCases.contains { challenge.contains(type: $0.attributeType) }
        }
    }

    /// A server that asks for other credentials, or another nonce, has nothing to sign with (RFC 8489 §9.2.4, §9.2.5).
    private static func isChallenge(_ response: STUNMessage) -> Bool {
        guard response.messageClass == .failure, let error = response[STUNMessage.ErrorCode.self] else { return false }
        return error.code == 401 || error.code == 438
    }

    private func outcome(of response: STUNMessage) -> Outcome {
        let unknown = response.unknownRequiredAttributes(known: known)
        guard unknown.isEmpty else { return .failed(.unknownAttributes(unknown)) }
        guard response.messageClass == .failure else { return .success }
        guard let error = response[STUNMessage.ErrorCode.self] else { return .failed(.malformedResponse) }
        return .error(error)
    }
}
