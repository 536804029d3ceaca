import NetBase
import STUN
import Testing

private let source = TransportAddress(IPAddress(v4: 0xcb00_7105), port: 40_000)
private let plainNonce = "f//499k954d6OL34oL9FSTvy64sA"

/// A response to a request, with what a script puts in.
private func reply(
    _ request: STUNMessage, _ error: Int? = nil, realm: String? = "example.org", nonce: String? = plainNonce,
    algorithms: [STUNPasswordAlgorithm]? = nil
) -> STUNMessage {
    var response = STUNMessage(
        error == nil ? .success : .failure, request.method, transactionID: request.transactionID)
    if let error { response.append(STUNMessage.ErrorCode(code: error, reason: "test")) }
    if let realm { response.append(STUNMessage.Realm(realm)) }
    if let nonce { response.append(STUNMessage.Nonce(nonce)) }
    if let algorithms { response.append(STUNMessage.PasswordAlgorithms(algorithms.map { .init($0) })) }
    return response
}

private func request(_ method: STUNMethod = .allocate) -> STUNMessage {
    STUNMessage(.request, method, transactionID: someID)
}

private func authenticator(prefersSHA256: Bool = false) -> LongTermAuthenticator {
    LongTermAuthenticator(username: "user", password: "pass", prefersSHA256: prefersSHA256)
}

extension LongTermAuthenticator {
    fileprivate func signed(_ method: STUNMethod = .allocate) -> STUNMessage {
        var message = request(method)
        sign(&message)
        return message
    }
}

@Suite("Long-term credentials, the client's side")
struct LongTermAuthenticatorTests {
    @Test("A5.1: the first request is bare, the next one after a 401 is signed, and a second 401 ends it")
    func challenge() throws {
        var client = authenticator()
        #expect(client.signed() == request() && client.key == nil)
        #expect(client.handle(reply(request(), 401), to: request(), retries: 0) == .retry)
        let signed = client.signed()
        #expect(signed[STUNMessage.Username.self]?.value == "user")
        #expect(signed[STUNMessage.Realm.self]?.value == "example.org")
        #expect(signed[STUNMessage.Nonce.self]?.value == plainNonce)
        let key = IntegrityKey(longTermUsername: "user", realm: "example.org", password: "pass")
        #expect(signed.verifyIntegrity(key) == .valid(.sha1))
        #expect(!signed.contains(type: STUNMessage.PasswordAlgorithm.type))
        #expect(
            client.handle(reply(signed, 401, nonce: "other"), to: signed, retries: 1) == .giveUp(.credentialsRejected))
        #expect(
            client.handle(reply(signed, 401, realm: nil, nonce: nil), to: signed, retries: 1)
                == .giveUp(.credentialsRejected))
    }

    @Test("A5.1: a 401 that names another realm is a new challenge")
    func otherRealm() {
        var client = authenticator()
        _ = client.handle(reply(request(), 401), to: request(), retries: 0)
        let signed = client.signed()
        #expect(client.handle(reply(signed, 401, realm: "other.org"), to: signed, retries: 1) == .retry)
        #expect(client.signed()[STUNMessage.Realm.self]?.value == "other.org")
    }

    @Test(
        "A5.1: a 401 without realm or nonce cannot be answered",
        arguments: [(nil, plainNonce), ("example.org", nil)] as [(String?, String?)])
    func incomplete(_ realm: String?, _ nonce: String?) {
        var client = authenticator()
        let response = reply(request(), 401, realm: realm, nonce: nonce)
        #expect(client.handle(response, to: request(), retries: 0) == .giveUp(.incompleteChallenge))
    }

    @Test(
        "A5.3, H4: a 438 to any method is retried with the new nonce, also without a realm in it",
        arguments: [STUNMethod.binding, .allocate, .refresh, .createPermission, .channelBind])
    func staleNonce(_ method: STUNMethod) {
        var client = authenticator()
        _ = client.handle(reply(request(), 401), to: request(), retries: 0)
        let signed = client.signed(method)
        #expect(client.handle(reply(signed, 438, realm: nil, nonce: "fresh"), to: signed, retries: 0) == .retry)
        #expect(client.signed(method)[STUNMessage.Nonce.self]?.value == "fresh")
        #expect(client.signed(method)[STUNMessage.Realm.self]?.value == "example.org")
    }

    @Test("A5.3: a server whose every nonce is stale is given up after five retries")
    func staleForEver() {
        var client = authenticator()
        var retries = 0
        while client.handle(reply(client.signed(), 438), to: client.signed(), retries: retries) == .retry {
            retries += 1
        }
        #expect(retries == 5)
        #expect(
            client.handle(reply(client.signed(), 438), to: client.signed(), retries: 5) == .giveUp(.tooManyRetries))
    }

    @Test(
        "A5.4: the nonce cookie tells the features",
        arguments: [
            ("obMatJos2AAAAx", false, false), ("obMatJos2gAAAx", true, false), ("obMatJos2QAAAx", false, true),
            ("obMatJos2wAAA", true, true), ("obMatJos2wAA", false, false), ("OBMATJOS2wAAAx", false, false),
            (plainNonce, false, false), ("", false, false),
        ])
    func features(_ nonce: String, _ hasAlgorithms: Bool, _ isAnonymous: Bool) {
        var bare = authenticator()
        let withheld = bare.handle(reply(request(), 401, nonce: nonce), to: request(), retries: 0)
        #expect(withheld == (hasAlgorithms ? .giveUp(.algorithmsWithheld) : .retry))
        var client = authenticator()
        _ = client.handle(reply(request(), 401, nonce: nonce, algorithms: [.md5]), to: request(), retries: 0)
        #expect(client.signed().contains(type: STUNMessage.UserHash.type) == isAnonymous)
        #expect(client.signed().contains(type: STUNMessage.Username.type) == !isAnonymous)
    }

    @Test("A5.5: bit 0 without PASSWORD-ALGORITHMS in a 401 or 438 is not retried", arguments: [401, 438])
    func withheld(_ code: Int) {
        var client = authenticator()
        let response = reply(request(), code, nonce: "obMatJos2gAAAxyz")
        #expect(client.handle(response, to: request(), retries: 0) == .giveUp(.algorithmsWithheld))
        #expect(client.signed() == request(), "nothing was learned of it")
    }

    @Test(
        "A5.6: the first supported algorithm is taken, in TURN SHA-256 wherever it stands",
        arguments: [
            ([1, 2], false, 1), ([2, 1], false, 2), ([7, 2], false, 2), ([1, 2], true, 2), ([1], true, 1),
            ([7], true, nil), ([], false, nil),
        ] as [([UInt16], Bool, UInt16?)])
    func algorithms(_ offer: [UInt16], _ prefersSHA256: Bool, _ chosen: UInt16?) throws {
        var client = authenticator(prefersSHA256: prefersSHA256)
        let response = reply(
            request(), 401, nonce: "obMatJos2gAAAxyz", algorithms: offer.map { STUNPasswordAlgorithm(rawValue: $0) })
        let decision = client.handle(response, to: request(), retries: 0)
        guard let chosen else {
            #expect(decision == .giveUp(.noSupportedAlgorithm))
            return
        }
        #expect(decision == .retry)
        let signed = client.signed()
        let sentOffer = try #require(signed.valueRange(ofType: STUNMessage.PasswordAlgorithms.type))
        let offered = try #require(response.valueRange(ofType: STUNMessage.PasswordAlgorithms.type))
        #expect(signed.bytes[sentOffer] == response.bytes[offered], "the offer goes back as it came")
        let algorithm = STUNPasswordAlgorithm(rawValue: chosen)
        #expect(signed[STUNMessage.PasswordAlgorithm.self]?.algorithm == algorithm)
        let key = IntegrityKey(
            longTermUsername: "user", realm: "example.org", password: "pass", algorithm: algorithm)
        #expect(signed.verifyIntegrity(key) == .valid(.sha256))
        #expect(!signed.contains(type: STUNMessage.MessageIntegrity.type), "MESSAGE-INTEGRITY-SHA256 only")
    }

    @Test("A5.7: under the anonymity bit, USERHASH stands for USERNAME")
    func anonymity() {
        var client = authenticator()
        _ = client.handle(reply(request(), 401, nonce: "obMatJos2QAAAxyz"), to: request(), retries: 0)
        let signed = client.signed()
        #expect(signed[STUNMessage.UserHash.self] == STUNMessage.UserHash(username: "user", realm: "example.org"))
        #expect(!signed.contains(type: STUNMessage.Username.type))
    }

    @Test("A forgotten challenge makes the next request bare again")
    func forget() {
        var client = authenticator()
        _ = client.handle(reply(request(), 401), to: request(), retries: 0)
        client.forgetChallenge()
        #expect(client.signed() == request())
    }

    @Test(
        "A5.2: the server's checks accept what the client makes of its challenges",
        arguments: [[], [.md5], [.sha256, .md5]] as [[STUNPasswordAlgorithm]], [false, true])
    func gatekeeper(_ algorithms: [STUNPasswordAlgorithm], _ offersUserHash: Bool) throws {
        var settings = LongTermGatekeeper.Configuration(realm: "example.org", users: ["user": "pass"])
        settings.passwordAlgorithms = algorithms
        settings.offersUserHash = offersUserHash
        settings.nonceLifetime = .seconds(10)
        var generator = SeededGenerator(seed: 1)
        var gate = LongTermGatekeeper(settings, using: &generator)
        var client = authenticator(prefersSHA256: true)
        var codes: [Int] = []
        for time in [0, 0, 9_000, 11_000, 11_000] {
            let sent = client.signed()
            switch gate.judge(sent, from: source, at: milliseconds(time)) {
            case .accepted(let pass): codes.append(pass.username == "user" ? 200 : 0)
            case .reply(let response, let code):
                codes.append(code)
                #expect(client.handle(response, to: sent, retries: 0) == .retry)
            }
        }
        #expect(codes == [401, 200, 200, 438, 200])
    }
}
