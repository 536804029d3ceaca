import NetBase
import STUN
import Testing

private let request = bindingRequest([STUNMessage.Software("test")])
private let address = TransportAddress(IPAddress(v4: 0xc000_0201), port: 32853)

private func transaction(
    _ schedule: RetransmissionSchedule = RetransmissionSchedule(), key: IntegrityKey? = nil, isReliable: Bool = false,
    request: STUNMessage = request
) -> STUNTransaction {
    STUNTransaction(request: request, key: key, schedule: schedule, isReliable: isReliable, at: milliseconds(0))
}

/// Runs a transaction from deadline to deadline: when it sent, and how and when it ended.
private func run(_ transaction: inout STUNTransaction) -> (sent: [Instant], failedAt: Instant?, TransactionFailure?) {
    var sent = [transaction.firstSentAt]
    for _ in 0..<100 {
        guard let deadline = transaction.deadline else { break }
        while let step = transaction.advance(to: deadline) {
            switch step {
            case .retransmit: sent.append(deadline)
            case .failed(let failure): return (sent, deadline, failure)
            }
        }
    }
    return (sent, nil, nil)
}

@Suite("Client transaction: time")
struct TransactionTimeTests {
    @Test("A6.1: requests go out at the RFC's times, and the transaction fails at 39500 ms")
    func table() {
        var transaction = transaction()
        let (sent, failedAt, failure) = run(&transaction)
        #expect(sent == [0, 500, 1500, 3500, 7500, 15500, 31500].map(milliseconds))
        #expect(failedAt == milliseconds(39500))
        #expect(failure == .timeout)
        #expect(transaction.transmissions == 7)
        #expect(transaction.lastSentAt == milliseconds(31500))
        #expect(transaction.deadline == nil && transaction.isFinished)
    }

    @Test(
        "A6.1: every number of the schedule can be changed",
        arguments: [
            (
                RetransmissionSchedule(retransmissionTimeout: .milliseconds(100)),
                [0, 100, 300, 700, 1500, 3100, 6300], 7900
            ),
            (RetransmissionSchedule(requestLimit: 1), [0], 8000),
            (RetransmissionSchedule(requestLimit: 0), [0], 8000),
            (RetransmissionSchedule(requestLimit: 3, finalWaitFactor: 1), [0, 500, 1500], 2000),
            (RetransmissionSchedule(requestLimit: 6, evenRequests: 3), [0, 500, 1000, 1500, 2500, 4500], 12500),
            (RetransmissionSchedule(requestLimit: 3, evenRequests: 0), [0, 500, 1500], 9500),
        ])
    func schedules(schedule: RetransmissionSchedule, sends: [Int], end: Int) {
        var transaction = transaction(schedule)
        let (sent, failedAt, _) = run(&transaction)
        #expect(sent == sends.map(milliseconds))
        #expect(failedAt == milliseconds(end))
    }

    @Test("Absurd numbers of a schedule add up to a time that nobody waits for, at once")
    func absurdSchedules() {
        #expect(RetransmissionSchedule(requestLimit: .max, finalWaitFactor: .max).timeout > .seconds(1_000_000_000))
        #expect(RetransmissionSchedule(requestLimit: .max, evenRequests: .max).timeout > .seconds(1_000_000_000))
        #expect(RetransmissionSchedule(requestLimit: .min, finalWaitFactor: .min).timeout == .milliseconds(500))
    }

    @Test("Nothing is due before the deadline")
    func early() {
        var transaction = transaction()
        #expect(transaction.deadline == milliseconds(500))
        let step = transaction.advance(to: milliseconds(499))
        #expect(step == nil)
        #expect(transaction.transmissions == 1)
    }

    @Test("A late alarm sends once, not in a burst, and the next interval counts from there")
    func late() {
        var transaction = transaction()
        let steps = [transaction.advance(to: milliseconds(5000)), transaction.advance(to: milliseconds(5000))]
        #expect(steps == [.retransmit, nil])
        #expect(transaction.deadline == milliseconds(6000))
    }

    @Test("A6.4: on a reliable transport nothing is repeated, and the wait ends at 39.5 s")
    func reliable() {
        var transaction = transaction(isReliable: true)
        let (sent, failedAt, failure) = run(&transaction)
        #expect(sent == [milliseconds(0)])
        #expect(failedAt == milliseconds(39500))
        #expect(failure == .timeout)
    }

    @Test("A transaction that is told to send no more waits until its normal end", arguments: 0...6)
    func stopped(repetitions: Int) {
        var transaction = transaction()
        for _ in 0..<repetitions {
            let deadline = transaction.deadline ?? milliseconds(0)
            let step = transaction.advance(to: deadline)
            #expect(step == .retransmit)
        }
        transaction.stopRetransmitting()
        #expect(transaction.deadline == milliseconds(39500))
        let step = transaction.advance(to: milliseconds(39500))
        #expect(step == .failed(.timeout))
        transaction.stopRetransmitting()
        #expect(transaction.isFinished)
    }

    @Test("A silenced transaction still takes its answer")
    func answerAfterStop() {
        var transaction = transaction()
        transaction.stopRetransmitting()
        let outcome = transaction.receive(.bindingResponse(to: request, from: address), at: milliseconds(20_000))
        #expect(outcome == .success)
    }

    @Test("A6.2: Karn: only a request that was sent once gives a round-trip time")
    func karn() {
        var transaction = transaction()
        #expect(transaction.roundTripTime(at: milliseconds(40)) == .milliseconds(40))
        _ = transaction.advance(to: milliseconds(500))
        #expect(transaction.roundTripTime(at: milliseconds(540)) == nil)
    }
}

@Suite("Client transaction: responses")
struct TransactionResponseTests {
    private let key = IntegrityKey(shortTermPassword: "secret")
    private let response = STUNMessage.bindingResponse(to: request, from: address)

    private func signedRequest(_ algorithms: [IntegrityAlgorithm] = [.sha1]) -> STUNMessage {
        var message = request
        for algorithm in algorithms { message.appendIntegrity(key, algorithm) }
        return message
    }

    private func signed(_ message: STUNMessage, _ algorithm: IntegrityAlgorithm = .sha1, by key: IntegrityKey? = nil)
        -> STUNMessage
    {
        var message = message
        message.appendIntegrity(key ?? self.key, algorithm)
        message.appendFingerprint()
        return message
    }

    private func outcome(_ response: STUNMessage, _ transaction: STUNTransaction) -> STUNTransaction.Outcome? {
        var transaction = transaction
        return transaction.receive(response, at: milliseconds(1))
    }

    @Test("A success response ends the transaction, once")
    func success() {
        var transaction = transaction()
        let outcomes = [1, 2].map { transaction.receive(response, at: milliseconds($0)) }
        #expect(outcomes == [.success, nil])
        #expect(transaction.deadline == nil)
        let step = transaction.advance(to: milliseconds(99_999))
        #expect(step == nil)
    }

    @Test("A2.5: an error response ends it with its code")
    func error() {
        let error = STUNMessage.errorResponse(to: request, .roleConflict)
        #expect(outcome(error, transaction()) == .error(.roleConflict))
    }

    @Test("Other IDs, other methods, requests and wrong fingerprints are not ours")
    func notOurs() {
        var otherMethod = STUNMessage(.success, .allocate, transactionID: someID)
        otherMethod.append(STUNMessage.XORMappedAddress(address))
        var badFingerprint = response
        badFingerprint.append(STUNMessage.Fingerprint(1))
        let otherID = STUNMessage(.success, .binding, transactionID: STUNTransactionID(high: 1, low: 1))
        for message in [otherMethod, badFingerprint, otherID, request] {
            #expect(outcome(message, transaction()) == nil)
        }
    }

    @Test("A2.4: an error response without ERROR-CODE, or with a broken one, fails the transaction")
    func missingErrorCode() {
        let bare = STUNMessage(.failure, .binding, transactionID: someID)
        #expect(outcome(bare, transaction()) == .failed(.malformedResponse))
        var broken = bare
        broken.append(type: STUNMessage.ErrorCode.type, value: [0, 0, 2, 0])
        #expect(outcome(broken, transaction()) == .failed(.malformedResponse))
    }

    @Test(
        "A2.3: a response with an unknown attribute that must be understood fails the transaction",
        arguments: [true, false])
    func unknownAttributes(isSuccess: Bool) {
        var message = isSuccess ? response : STUNMessage.errorResponse(to: request, .badRequest)
        message.append(type: 0x7f33, value: [1])
        #expect(outcome(message, transaction()) == .failed(.unknownAttributes([0x7f33])))
        message.remove(type: 0x7f33)
        message.append(type: 0xff33, value: [1])
        #expect(outcome(message, transaction()) == (isSuccess ? .success : .error(.badRequest)))
    }

    @Test("A2.1: integrity is looked at first: an unsigned response with unknown attributes changes nothing")
    func integrityFirst() {
        var message = response
        message.append(type: 0x7f33, value: [1])
        var transaction = transaction(key: key, request: signedRequest())
        let before = transaction.state
        let outcome = transaction.receive(message, at: milliseconds(1))
        #expect(outcome == nil)
        #expect(transaction.state == before)
    }

    @Test("A4.3: over UDP, responses that are not signed are passed over, and the end is an integrity violation")
    func violationOverUDP() {
        var transaction = transaction(key: key, request: signedRequest())
        let other = IntegrityKey(shortTermPassword: "other")
        let error = STUNMessage.errorResponse(to: request, .unauthenticated)
        for message in [response, signed(response, by: other), error] {
            let outcome = transaction.receive(message, at: milliseconds(10))
            #expect(outcome == nil)
        }
        #expect(transaction.unauthenticatedError == .unauthenticated)
        let (sent, failedAt, failure) = run(&transaction)
        #expect(sent.count == 7)
        #expect(failedAt == milliseconds(39500))
        #expect(failure == .integrityViolation)
    }

    @Test("A good response behind a bad one is taken")
    func goodBehindBad() {
        var transaction = transaction(key: key, request: signedRequest())
        let outcomes = [response, signed(response)].map { transaction.receive($0, at: milliseconds(1)) }
        #expect(outcomes == [nil, .success])
    }

    @Test("A4.3: over TCP, a response that is not signed ends it at once with an integrity violation")
    func violationOverTCP() {
        var transaction = transaction(key: key, isReliable: true, request: signedRequest())
        let outcome = transaction.receive(response, at: milliseconds(10))
        #expect(outcome == .failed(.integrityViolation))
        #expect(transaction.isFinished)
    }

    @Test("A4.2: only the algorithm of the request counts; either, where the request had both")
    func algorithms() {
        for (asked, answered, isTaken) in [
            ([IntegrityAlgorithm.sha1], IntegrityAlgorithm.sha1, true), ([.sha1], .sha256, false),
            ([.sha256], .sha256, true), ([.sha256], .sha1, false), ([.sha1, .sha256], .sha1, true),
            ([.sha1, .sha256], .sha256, true),
        ] {
            let transaction = transaction(key: key, request: signedRequest(asked))
            #expect((outcome(signed(response, answered), transaction) == .success) == isTaken)
        }
    }

    @Test("With long-term credentials a server may ask unsigned for others or for a new nonce, but for nothing else")
    func challenges() {
        let key = IntegrityKey(longTermUsername: "user", realm: "realm", password: "pass")
        var request = request
        request.appendIntegrity(key)
        for (error, isTaken) in [
            (STUNMessage.ErrorCode.unauthenticated, true), (.staleNonce, true), (.badRequest, false),
            (.tryAlternate, false),
        ] {
            let message = STUNMessage.errorResponse(to: request, error)
            #expect(outcome(message, transaction(key: key, request: request)) == (isTaken ? .error(error) : nil))
        }
        let success = STUNMessage.bindingResponse(to: request, from: address)
        #expect(outcome(success, transaction(key: key, request: request)) == nil)
    }
}

@Suite("Round-trip estimator")
struct EstimatorTests {
    @Test("A6.2: it starts at 500 ms and follows RFC 6298")
    func samples() {
        var estimator = RoundTripEstimator(floor: .milliseconds(1))
        #expect(estimator.retransmissionTimeout == .milliseconds(500))
        estimator.add(.milliseconds(100))
        #expect(estimator.smoothed == .milliseconds(100))
        #expect(estimator.retransmissionTimeout == .milliseconds(300))
        estimator.add(.milliseconds(180))
        // SRTT = 7/8 * 100 + 1/8 * 180 = 110, RTTVAR = 3/4 * 50 + 1/4 * 80 = 57.5, RTO = 110 + 230.
        #expect(estimator.smoothed == .milliseconds(110))
        #expect(estimator.retransmissionTimeout == .milliseconds(340))
    }

    @Test("The timeout is in whole milliseconds, rounded up, and never closer to the round trip than one")
    func precision() {
        var estimator = RoundTripEstimator(floor: .milliseconds(1))
        for _ in 0..<200 { estimator.add(.microseconds(2300)) }
        #expect(estimator.retransmissionTimeout == .milliseconds(4))
    }

    @Test("Floor and ceiling hold, for samples and for the start")
    func limits() {
        var estimator = RoundTripEstimator(floor: .milliseconds(500), ceiling: .seconds(2))
        estimator.add(.milliseconds(1))
        #expect(estimator.retransmissionTimeout == .milliseconds(500))
        estimator.add(.seconds(100))
        #expect(estimator.retransmissionTimeout == .seconds(2))
        estimator.add(.seconds(-5))
        #expect(RoundTripEstimator(initial: .zero, floor: .milliseconds(50)).retransmissionTimeout == .milliseconds(50))
    }
}
