import NetBase
import STUN
import Testing

private func longTermKey() -> IntegrityKey {
    IntegrityKey(longTermUsername: "user", realm: "example.org", password: "pass")
}

private let source = TransportAddress(IPAddress(v4: 0xcb00_7105), port: 40_000)

private func transaction(isReliable: Bool = false, key: IntegrityKey? = longTermKey()) -> STUNTransaction {
    var request = bindingRequest()
    if let key { request.appendIntegrity(key) }
    return STUNTransaction(
        request: request, key: key, schedule: RetransmissionSchedule(), isReliable: isReliable, at: milliseconds(0))
}

private func signed(_ messageClass: STUNClass, _ attributes: [any STUNAttribute]) -> STUNMessage {
    var response = message(messageClass, attributes)
    response.appendIntegrity(longTermKey())
    return response
}

@Suite("Transactions under long-term credentials")
struct LongTermTransactionTests {
    @Test("A5.8: an unsigned 400 is as if it never came, and explains the timeout", arguments: [false, true])
    func unsigned400(_ isReliable: Bool) {
        var transaction = transaction(isReliable: isReliable)
        #expect(transaction.receive(message(.failure, [STUNMessage.ErrorCode.badRequest]), at: milliseconds(20)) == nil)
        #expect(!transaction.isFinished)
        var steps: [STUNTransaction.Step] = []
        while let deadline = transaction.deadline, let step = transaction.advance(to: deadline) { steps.append(step) }
        #expect(steps == Array(repeating: .retransmit, count: isReliable ? 0 : 6) + [.failed(.timeout)])
        #expect(transaction.unauthenticatedError == .badRequest)
    }

    @Test("A5.8: a signed 400 counts, and so does one to a bare request")
    func believable400() {
        var withKey = transaction()
        let error = STUNMessage.ErrorCode.badRequest
        #expect(withKey.receive(signed(.failure, [error]), at: milliseconds(20)) == .error(error))
        var bare = transaction(key: nil)
        #expect(bare.receive(message(.failure, [error]), at: milliseconds(20)) == .error(error))
    }

    @Test("A5.5: a signed response whose nonce promises algorithms that are missing is ignored")
    func withheld() {
        var transaction = transaction()
        let nonce = STUNMessage.Nonce("obMatJos2gAAAxyz")
        let address = STUNMessage.XORMappedAddress(source)
        #expect(transaction.receive(signed(.success, [address, nonce]), at: milliseconds(20)) == nil)
        #expect(
            transaction.receive(signed(.failure, [STUNMessage.ErrorCode.forbidden, nonce]), at: milliseconds(20)) == nil
        )
        let offer = STUNMessage.PasswordAlgorithms([.init(.md5)])
        #expect(transaction.receive(signed(.success, [address, nonce, offer]), at: milliseconds(20)) == .success)
    }

    @Test("Other unsigned errors are not believed, and end as an integrity violation")
    func violation() {
        var transaction = transaction()
        let error = STUNMessage.ErrorCode(code: 486, reason: "")
        #expect(transaction.receive(message(.failure, [error]), at: milliseconds(20)) == nil)
        var last: STUNTransaction.Step?
        while let deadline = transaction.deadline, let step = transaction.advance(to: deadline) { last = step }
        #expect(last == .failed(.integrityViolation))
    }
}

@Suite("Binding requests under long-term credentials")
struct LongTermClientCoreTests {
    /// A core and a server that asks for credentials; everything takes no time.
    private struct Pair {
        var core: STUNClientCore
        var gate: LongTermGatekeeper
        var sent: [STUNMessage] = []
        var others: [STUNClientCore.Effect] = []

        init(password: String = "pass") {
            var generator = SeededGenerator(seed: 3)
            gate = LongTermGatekeeper(.init(realm: "example.org", users: ["user": "pass"]), using: &generator)
            core = STUNClientCore(
                server: IPAddress(v4: 0xc000_0201),
                longTerm: LongTermAuthenticator(username: "user", password: password), generator: generator)
        }

        mutating func settle(at now: Instant) throws {
            while let effect = core.nextEffect() {
                guard case .send(let bytes, let id) = effect else {
                    others.append(effect)
                    continue
                }
                #expect(id == someID, "the driver knows the request by its first ID")
                let request = try STUNMessage(bytes)
                sent.append(request)
                switch gate.judge(request, from: source, at: now) {
                case .reply(let response, _): core.receive(response, at: now)
                case .accepted(let pass):
                    var response = STUNMessage.bindingResponse(to: request, from: source)
                    gate.seal(&response, pass, for: request)
                    core.receive(response, at: now)
                }
            }
        }
    }

    @Test("A5.1: a 401 is answered under a new ID and without an event, and later requests are signed at once")
    func challenge() throws {
        var pair = Pair()
        _ = pair.core.start(bindingRequest(), at: milliseconds(0))
        try pair.settle(at: milliseconds(0))
        #expect(pair.sent.count == 2 && pair.sent[0].transactionID != pair.sent[1].transactionID)
        #expect(pair.sent.allSatisfy { $0.fingerprint == .valid })
        #expect(pair.others.count == 1)
        _ = pair.core.start(bindingRequest(), at: milliseconds(10))
        try pair.settle(at: milliseconds(10))
        #expect(pair.sent.count == 3 && pair.others.count == 2)
        guard case .response = pair.others[1] else {
            Issue.record("not \(pair.others[1])")
            return
        }
    }

    @Test("A5.1: with a wrong password, the second 401 is told once")
    func wrongPassword() throws {
        var pair = Pair(password: "wrong")
        _ = pair.core.start(bindingRequest(), at: milliseconds(0))
        try pair.settle(at: milliseconds(0))
        #expect(pair.sent.count == 2 && pair.others.count == 1 && pair.core.outstandingCount == 0)
        guard case .errorResponse(_, let error) = pair.others[0] else {
            Issue.record("not \(pair.others[0])")
            return
        }
        #expect(error.code == 401)
    }

    @Test("A5.3: a stale nonce is renewed without an event")
    func stale() throws {
        var pair = Pair()
        for time in [0, 4_000_000] {
            _ = pair.core.start(bindingRequest(), at: milliseconds(time))
            try pair.settle(at: milliseconds(time))
        }
        #expect(pair.sent.count == 4 && pair.others.count == 2)
    }
}

@Suite("String preparation")
struct StringPreparationTests {
    /// Stands for a normalisation, and shows that it was asked.
    private static let marking: @Sendable (String) -> String = { "<" + $0 + ">" }

    @Test("A3.5: ASCII stays what it is in every profile", arguments: ["", "user", "pa ss~\u{7f}", "\u{0}\t"])
    func ascii(_ text: String) {
        #expect(StringPreparation.none.apply(to: text) == text)
        #expect(StringPreparation.opaqueString(normalizationFormC: Self.marking).apply(to: text) == text)
        #expect(StringPreparation.saslPrep(normalizationFormKC: Self.marking).apply(to: text) == text)
    }

    @Test(
        "A3.5: spaces become ASCII's, and SASLprep drops what is invisible",
        arguments: [
            ("a\u{a0}é", "<a é>", "<a é>"), ("a\u{3000}b", "<a b>", "<a b>"),
            ("The\u{ad}M\u{aa}tr\u{2168}", "<The\u{ad}M\u{aa}tr\u{2168}>", "<TheM\u{aa}tr\u{2168}>"),
            ("\u{feff}é\u{200b}", "<\u{feff}é\u{200b}>", "<é>"),
        ])
    func mappings(_ text: String, _ opaque: String, _ sasl: String) {
        #expect(StringPreparation.opaqueString(normalizationFormC: Self.marking).apply(to: text) == opaque)
        #expect(StringPreparation.saslPrep(normalizationFormKC: Self.marking).apply(to: text) == sasl)
    }

    @Test("A3.5: the profile prepares name, realm and password alike, on the wire and in the key")
    func inUse() {
        let profile = StringPreparation.saslPrep { $0.replacing("\u{2168}", with: "IX") }
        var client = LongTermAuthenticator(username: "u\u{2168}", password: "p\u{ad}é", preparation: profile)
        var challenge = message(.failure, [STUNMessage.ErrorCode.unauthenticated, STUNMessage.Realm("r")])
        challenge.append(STUNMessage.Nonce("n"))
        _ = client.handle(challenge, to: bindingRequest(), retries: 0)
        var request = bindingRequest()
        client.sign(&request)
        #expect(request[STUNMessage.Username.self]?.value == "uIX")
        let key = IntegrityKey(longTermUsername: "uIX", realm: "r", password: "pé")
        #expect(request.verifyIntegrity(key) == .valid(.sha1))
    }
}
