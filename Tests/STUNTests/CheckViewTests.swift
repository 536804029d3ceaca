import NetBase
import STUN
import Testing

/// `CheckView` and what is built on it, against the same questions put to `STUNMessage`.
@Suite("Checks read in place")
struct CheckViewTests {
    private let key = IntegrityKey(shortTermPassword: Vectors.password)
    private let sources = ["192.0.2.1:32853", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"].compactMap {
        TransportAddress($0)
    }

    private func authenticator(_ fragment: String, requiresFingerprint: Bool = true) -> BindingAuthenticator {
        BindingAuthenticator(localFragment: fragment, key: key, requiresFingerprint: requiresFingerprint)
    }

    /// The answer as `STUNMessage` makes it.
    private func answer(
        to request: STUNMessage, from source: TransportAddress, _ algorithm: IntegrityAlgorithm
    ) -> [UInt8] {
        var response = STUNMessage.bindingResponse(to: request, from: source)
        response.appendIntegrity(key, algorithm)
        if request.contains(type: STUNMessage.Fingerprint.type) { response.appendFingerprint() }
        return response.bytes
    }

    @Test("A7.1: RFC 5769 §2.1: the sample request is read, accepted and answered where it lies")
    func request() throws {
        let vector = Vectors.request
        let check = try CheckView(parsing: vector.span)
        #expect(check.messageClass == .request && check.method == .binding)
        #expect(check.transactionID == Vectors.transactionID)
        #expect(check.priority == 0x6e00_01ff)
        #expect(check.controlledTieBreaker == 0x932f_f9b1_5126_3b36)
        #expect(check.controllingTieBreaker == nil && check.nomination == nil && check.network == nil)
        #expect(!check.usesCandidate && check.hasFingerprint)
        let fragment = check.remoteUsernameFragment(in: vector.span)
        #expect(fragment == "h6vY")
        let verdict = authenticator("evtj").judge(check, in: vector.span)
        #expect(verdict == .accepted(.sha1))
        var responder = BindingResponder(authenticator("evtj"))
        for source in sources {
            let expected = answer(to: try STUNMessage(Vectors.request), from: source, .sha1)
            let answered = responder.respond(to: vector.span, from: source)
            #expect(answered == expected)
        }
    }

    @Test("A7.1: the other samples are read, and get no answer", arguments: Vectors.all.dropFirst())
    func others(name: String, vector: [UInt8]) throws {
        let message = try STUNMessage(vector)
        let check = try CheckView(parsing: vector.span)
        #expect(check.transactionID == message.transactionID && check.messageClass == message.messageClass)
        var responder = BindingResponder(authenticator("evtj"))
        let answered = responder.respond(to: vector.span, from: sources[0])
        #expect(answered == nil)
    }

    @Test("An answer that nobody holds any more makes room for the next one; one that is held stays as it is")
    func reuse() throws {
        let vector = Vectors.request
        var responder = BindingResponder(authenticator("evtj"))
        func place(_ answer: [UInt8]?) -> Int? {
            unsafe answer?.withUnsafeBytes { bytes in unsafe bytes.baseAddress.map { Int(bitPattern: $0) } }
        }
        let places = (0..<4).map { _ in place(responder.respond(to: vector.span, from: sources[0])) }
        #expect(places[0] != nil)
        #expect(places == Array(repeating: places[0], count: 4))
        let held = responder.respond(to: vector.span, from: sources[0])
        let other = try #require(TransportAddress("192.0.2.2:1"))
        let next = responder.respond(to: vector.span, from: other)
        #expect(held == answer(to: try STUNMessage(Vectors.request), from: sources[0], .sha1))
        #expect(next == answer(to: try STUNMessage(Vectors.request), from: other, .sha1))
    }

    @Test(
        "What is read in place is judged and answered as a message is, whatever is made of it",
        arguments: [true, false])
    func equivalence(requiresFingerprint: Bool) {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of the checks: \(seed)")
        var writer = RandomChecks(seed: seed, key: key)
        let authenticator = authenticator("frag", requiresFingerprint: requiresFingerprint)
        var responder = BindingResponder(authenticator)
        var seen: [String: Int] = [:]
        for round in 0..<12_000 {
            let bytes = writer.next()
            let source = sources[round % 2]
            let message = Result { try STUNMessage(bytes) }
            let check = Result { try CheckView(parsing: bytes.span) }
            guard case .success(let message) = message, case .success(let check) = check else {
                if (message.error as? STUNError) != (check.error as? STUNError) { Issue.record("not alike: \(bytes)") }
                seen["malformed", default: 0] += 1
                continue
            }
            let expected = ExpectedVerdict(requiresFingerprint: requiresFingerprint, key: key).of(message)
            let isAlike =
                saysTheSame(check, message, bytes) && authenticator.judge(check, in: bytes.span) == expected
                && authenticator.judge(message) == expected
            if !isAlike { Issue.record("judged differently: \(bytes)") }
            var answered: [UInt8]?
            if case .accepted(let algorithm) = expected, message.messageClass == .request {
                answered = answer(to: message, from: source, algorithm)
            }
            if responder.respond(to: bytes.span, from: source) != answered {
                Issue.record("answered differently: \(bytes)")
            }
            seen[name(of: expected), default: 0] += 1
        }
        // Nothing is compared where nothing of its kind has come.
        for kind in ["malformed", "accepted", "400", "401", "420", "fingerprint", "unexpected", "unauthenticated"] {
            #expect(seen[kind, default: 0] >= 20, "\(kind) in \(seen)")
        }
    }

    private func saysTheSame(_ check: CheckView, _ message: STUNMessage, _ bytes: [UInt8]) -> Bool {
        let network = message[STUNMessage.NetworkInfo.self]
        let name = Array((message[STUNMessage.Username.self]?.value ?? "").utf8)
        let fragment = name.firstIndex(of: UInt8(ascii: ":")).map { String(decoding: name[($0 + 1)...], as: UTF8.self) }
        return check.messageClass == message.messageClass && check.method == message.method
            && check.transactionID == message.transactionID
            && check.priority == message[STUNMessage.Priority.self]?.value
            && check.usesCandidate == (message[STUNMessage.UseCandidate.self] != nil)
            && check.nomination == message[STUNMessage.Nomination.self]?.value && check.network == network
            && check.controllingTieBreaker == message[STUNMessage.ICEControlling.self]?.tieBreaker
            && check.controlledTieBreaker == message[STUNMessage.ICEControlled.self]?.tieBreaker
            && check.hasFingerprint == message.contains(type: STUNMessage.Fingerprint.type)
            && check.remoteUsernameFragment(in: bytes.span) == (fragment ?? "")
            && CheckView(message).priority == check.priority
            && STUNMessage.messageClass(of: bytes.span) == message.messageClass
    }

    private func name(of verdict: BindingAuthenticator.Verdict) -> String {
        switch verdict {
        case .accepted: "accepted"
        case .reply(_, let code): "\(code)"
        case .discard(.fingerprint): "fingerprint"
        case .discard(.unexpectedType): "unexpected"
        case .discard(.unauthenticated): "unauthenticated"
        case .discard(.unknownAttributes): "unknown"
        }
    }
}

extension Result {
    fileprivate var error: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}

/// The order of RFC 8489 §6.3, put to a message in the words that are public.
private struct ExpectedVerdict {
    let requiresFingerprint: Bool
    let key: IntegrityKey

    func of(_ message: STUNMessage) -> BindingAuthenticator.Verdict {
        guard message.method == .binding, !message.messageClass.isResponse else { return .discard(.unexpectedType) }
        guard message.fingerprint == .valid || (message.fingerprint == .missing && !requiresFingerprint) else {
            return .discard(.fingerprint)
        }
        let isRequest = message.messageClass == .request
        let isSigned = IntegrityAlgorithm.allCases.contains { message.contains(type: $0.attributeType) }
        guard isSigned, let username = message.valueRange(ofType: STUNMessage.Username.type) else {
            return isRequest ? refusal(of: message, .badRequest) : .discard(.unauthenticated)
        }
        guard message.bytes[username].starts(with: Array("frag:".utf8)),
            case .valid(let algorithm) = message.verifyIntegrity(key)
        else { return isRequest ? refusal(of: message, .unauthenticated) : .discard(.unauthenticated) }
        let unknown = message.unknownRequiredAttributes(known: .ice)
        guard !unknown.isEmpty else { return .accepted(algorithm) }
        guard isRequest else { return .discard(.unknownAttributes(unknown)) }
        var response = STUNMessage.unknownAttributesResponse(to: message, unknown)
        response.appendIntegrity(key, algorithm)
        return .reply(finished(response, for: message), code: 420)
    }

    private func refusal(of message: STUNMessage, _ error: STUNMessage.ErrorCode) -> BindingAuthenticator.Verdict {
        .reply(finished(.errorResponse(to: message, error), for: message), code: error.code)
    }

    private func finished(_ response: STUNMessage, for message: STUNMessage) -> STUNMessage {
        var response = response
        if message.contains(type: STUNMessage.Fingerprint.type) { response.appendFingerprint() }
        return response
    }
}
