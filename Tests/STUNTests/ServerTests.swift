import NetBase
import STUN
import Testing

private let source = TransportAddress(IPAddress(v4: 0xcb00_7105), port: 40_000)

@Suite("STUN server")
struct ServerCoreTests {
    private let server = STUNServerCore(software: "server")

    private func response(to message: STUNMessage) -> STUNMessage? {
        server.respond(to: message.bytes.span, from: source)
    }

    @Test("A Binding request is answered with its source, and with a fingerprint where it has one")
    func binding() throws {
        var request = bindingRequest()
        let plain = try #require(response(to: request))
        #expect(plain.messageClass == .success && plain.method == .binding && plain.transactionID == someID)
        #expect(plain[STUNMessage.XORMappedAddress.self]?.address == source)
        #expect(plain[STUNMessage.Software.self]?.value == "server")
        #expect(plain.fingerprint == .missing)
        request.appendFingerprint()
        #expect(response(to: request)?.fingerprint == .valid)
    }

    @Test("Unknown attributes are answered with 420 and their list, optional ones ignored")
    func unknown() throws {
        var request = bindingRequest([STUNMessage.Priority(1)])
        request.append(type: 0x7f01, value: [])
        request.append(type: 0xff01, value: [])
        let refusal = try #require(response(to: request))
        #expect(refusal.messageClass == .failure)
        #expect(refusal[STUNMessage.ErrorCode.self] == .unknownAttribute)
        #expect(refusal[STUNMessage.UnknownAttributes.self]?.value == [0x0024, 0x7f01])
    }

    @Test("Indications, responses, other methods, wrong fingerprints and noise get no answer")
    func silence() {
        var bad = bindingRequest()
        bad.append(STUNMessage.Fingerprint(1))
        #expect(response(to: bad) == nil)
        #expect(response(to: message(.indication)) == nil)
        #expect(response(to: message(.success)) == nil)
        #expect(response(to: STUNMessage(.request, .allocate, transactionID: someID)) == nil)
        let noise: [UInt8] = [1, 2, 3]
        let answer = server.respond(to: noise.span, from: source)
        #expect(answer == nil)
    }
}

@Suite("Short-term authentication of Binding requests")
struct AuthenticatorTests {
    private let key = IntegrityKey(shortTermPassword: "local-password")
    private let wrong = IntegrityKey(shortTermPassword: "other-password")

    private func authenticator(requiresFingerprint: Bool = true) -> BindingAuthenticator {
        BindingAuthenticator(localFragment: "frag", key: key, requiresFingerprint: requiresFingerprint)
    }

    private func check(
        _ messageClass: STUNClass = .request, username: String? = "frag:remote", by key: IntegrityKey?,
        _ algorithm: IntegrityAlgorithm = .sha1, unknown: [UInt16] = [], fingerprint: Bool = true
    ) -> STUNMessage {
        var message = message(messageClass, [STUNMessage.Priority(1), STUNMessage.ICEControlling(tieBreaker: 1)])
        if let username { message.append(STUNMessage.Username(username)) }
        for type in unknown { message.append(type: type, value: []) }
        if let key { message.appendIntegrity(key, algorithm) }
        if fingerprint { message.appendFingerprint() }
        return message
    }

    /// The error response to a message, with the code that goes with it.
    private func refusal(_ message: STUNMessage) throws -> STUNMessage {
        guard case .reply(let response, let code) = authenticator().judge(message) else {
            throw UnexpectedVerdict(verdict: authenticator().judge(message))
        }
        #expect(response[STUNMessage.ErrorCode.self]?.code == code)
        #expect(response.messageClass == .failure && response.transactionID == message.transactionID)
        #expect(response.fingerprint == .valid)
        return response
    }

    private struct UnexpectedVerdict: Error {
        let verdict: BindingAuthenticator.Verdict
    }

    @Test("Whoever knows fragment and password is accepted", arguments: IntegrityAlgorithm.allCases)
    func accepted(algorithm: IntegrityAlgorithm) {
        #expect(authenticator().judge(check(by: key, algorithm)) == .accepted(algorithm))
        #expect(authenticator().judge(check(.indication, by: key, algorithm)) == .accepted(algorithm))
    }

    @Test(
        "The second half of the username may be anything",
        arguments: ["frag:", "frag:x", "frag:a:b", "frag:\(String(repeating: "r", count: 500))"])
    func secondHalf(username: String) {
        #expect(authenticator().judge(check(username: username, by: key)) == .accepted(.sha1))
    }

    @Test(
        "Another first half is 401, unsigned",
        arguments: ["", "frag", "fra:remote", "fragx:remote", "Frag:remote", ":frag", "remote:frag"])
    func otherFragment(username: String) throws {
        let response = try refusal(check(username: username, by: key))
        #expect(response[STUNMessage.ErrorCode.self]?.code == 401)
        #expect(response.verifyIntegrity(key) == .missing)
    }

    @Test("No integrity or no username is 400, unsigned")
    func incomplete() throws {
        for message in [check(username: nil, by: key), check(by: nil), check(username: nil, by: nil)] {
            let response = try refusal(message)
            #expect(response[STUNMessage.ErrorCode.self]?.code == 400)
            #expect(response.verifyIntegrity(key) == .missing)
            #expect(!response.contains(type: STUNMessage.Username.type))
        }
    }

    @Test("Another password is 401, unsigned, also where attributes are unknown", arguments: [[], [UInt16(0x7f01)]])
    func wrongPassword(unknown: [UInt16]) throws {
        let response = try refusal(check(by: wrong, unknown: unknown))
        #expect(response[STUNMessage.ErrorCode.self]?.code == 401)
        #expect(response.verifyIntegrity(key) == .missing)
    }

    @Test(
        "Unknown attributes of an authentic request are 420, signed as the request was",
        arguments: IntegrityAlgorithm.allCases)
    func unknown(algorithm: IntegrityAlgorithm) throws {
        let response = try refusal(check(by: key, algorithm, unknown: [0x7f01, 0xff01, 0x7f02]))
        #expect(response[STUNMessage.ErrorCode.self]?.code == 420)
        #expect(response[STUNMessage.UnknownAttributes.self]?.value == [0x7f01, 0x7f02])
        #expect(response.verifyIntegrity(key) == .valid(algorithm))
    }

    @Test("Indications are never answered")
    func indications() {
        let authenticator = authenticator()
        func judge(_ message: STUNMessage) -> BindingAuthenticator.Verdict { authenticator.judge(message) }
        #expect(judge(check(.indication, by: wrong)) == .discard(.unauthenticated))
        #expect(judge(check(.indication, by: nil)) == .discard(.unauthenticated))
        #expect(judge(check(.indication, username: "x:y", by: key)) == .discard(.unauthenticated))
        #expect(judge(check(.indication, by: key, unknown: [0x7f01])) == .discard(.unknownAttributes([0x7f01])))
    }

    @Test("A missing or wrong fingerprint is discarded, unless missing is allowed")
    func fingerprints() throws {
        let missing = check(by: key, fingerprint: false)
        #expect(authenticator().judge(missing) == .discard(.fingerprint))
        #expect(authenticator(requiresFingerprint: false).judge(missing) == .accepted(.sha1))
        var bytes = check(by: key).bytes
        bytes[bytes.count - 1] ^= 1
        let bad = try STUNMessage(bytes)
        #expect(authenticator().judge(bad) == .discard(.fingerprint))
        #expect(authenticator(requiresFingerprint: false).judge(bad) == .discard(.fingerprint))
    }

    @Test("Responses and other methods are discarded")
    func otherMessages() {
        #expect(authenticator().judge(check(.success, by: key)) == .discard(.unexpectedType))
        var allocate = STUNMessage(.request, .allocate, transactionID: someID)
        allocate.appendFingerprint()
        #expect(authenticator().judge(allocate) == .discard(.unexpectedType))
    }

    @Test("A4.2: a sealed response verifies with the request's algorithm and has a fingerprint")
    func sealing() {
        let request = check(by: key, .sha256)
        var response = STUNMessage.bindingResponse(to: request, from: source)
        authenticator().seal(&response, .sha256, for: request)
        #expect(response.verifyIntegrity(key, .sha256) == .valid(.sha256))
        #expect(response.verifyIntegrity(key, .sha1) == .missing)
        #expect(response.fingerprint == .valid)
    }
}
