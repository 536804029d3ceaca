import Digest
import NetBase
import STUN
import Testing

private let source = TransportAddress(IPAddress(v4: 0xcb00_7105), port: 40_000)
private let start = Instant(nanoseconds: 5_000_000_000)
// The session key of RFC 7635's Appendix A.
private let macKey = Array("ZksjpweoixXmvn67534m".utf8)
private let token = TURNAccessToken(keyID: "kid", token: [0, 12, 3], macKey: macKey, lifetime: .seconds(60))

@Suite("B3.6: third-party authorization")
struct AccessTokenTests {
    @Test("B3.6: the session key is the HMAC's key as it is")
    func key() throws {
        var request = bindingRequest([STUNMessage.Username("kid"), STUNMessage.AccessToken([1, 2, 3])])
        let hmac = try #require(HMAC(.sha1, key: macKey))
        var covered = request.bytes
        covered[3] += 24
        hmac.restart()
        hmac.update(covered.span)
        request.appendIntegrity(IntegrityKey(macKey: macKey))
        #expect(request[STUNMessage.MessageIntegrity.self]?.value == hmac.finish()?.bytes)
        #expect(IntegrityKey(macKey: macKey).mechanism == .accessToken)
    }

    @Test("B3.6: two tokens are equal when all of their parts are")
    func equality() {
        func made(
            keyID: String = "kid", token: [UInt8] = [0, 12, 3], macKey: [UInt8] = macKey, seconds: Int64 = 60
        ) -> TURNAccessToken {
            TURNAccessToken(keyID: keyID, token: token, macKey: macKey, lifetime: .seconds(seconds))
        }
        #expect(made() == token && made().hashValue == token.hashValue)
        #expect(made(keyID: "other") != token && made(token: []) != token && made(seconds: 61) != token)
        #expect(made(macKey: []) != token && made(macKey: macKey.dropLast() + [0]) != token)
    }

    @Test(
        "B3.6: a response without the session key's integrity is discarded, but for a bare 401 or 438",
        arguments: [nil, 300, 400, 401, 403, 420, 437, 438, 486, 500] as [Int?])
    func transaction(code: Int?) {
        var request = bindingRequest([STUNMessage.AccessToken([1])])
        let key = IntegrityKey(macKey: macKey)
        request.appendIntegrity(key)
        let attributes = code.map { [STUNMessage.ErrorCode(code: $0, reason: "")] } ?? []
        let bare = message(code == nil ? .success : .failure, attributes)
        let isChallenge = code == 401 || code == 438
        for (signer, isTaken) in [(nil, isChallenge), (IntegrityKey(macKey: [1]), false), (key, true)] {
            var transaction = STUNTransaction(
                request: request, key: key, schedule: RetransmissionSchedule(), at: milliseconds(0))
            var response = bare
            if let signer { response.appendIntegrity(signer) }
            #expect((transaction.receive(response, at: milliseconds(20)) != nil) == isTaken)
            #expect(transaction.isFinished == isTaken)
        }
    }
}

@Suite("B3.6: access tokens on the server's side")
struct AccessTokenRegisterTests {
    private static func gatekeeper(_ register: AccessTokenRegister?) -> LongTermGatekeeper {
        var configuration = LongTermGatekeeper.Configuration(realm: "example.org", users: ["user": "pass"])
        configuration.accessTokens = register
        var generator = SeededGenerator(seed: 1)
        return LongTermGatekeeper(configuration, using: &generator)
    }

    private static var register: AccessTokenRegister {
        var register = AccessTokenRegister(serverName: "turn.example")
        register.add(token, at: start)
        return register
    }

    private func request(
        _ nonce: STUNMessage.Nonce?, keyID: String = "kid", token: [UInt8]? = token.token, macKey: [UInt8] = macKey
    ) -> STUNMessage {
        var request = STUNMessage(.request, .allocate, transactionID: someID)
        request.append(STUNMessage.Username(keyID))
        request.append(STUNMessage.Realm("example.org"))
        if let nonce { request.append(nonce) }
        if let token { request.append(STUNMessage.AccessToken(token)) }
        request.appendIntegrity(IntegrityKey(macKey: macKey))
        return request
    }

    private func challenge(_ gatekeeper: inout LongTermGatekeeper) throws -> STUNMessage {
        let bare = STUNMessage(.request, .allocate, transactionID: someID)
        guard case .reply(let response, 401) = gatekeeper.judge(bare, from: source, at: start) else {
            throw NoChallenge()
        }
        return response
    }

    private struct NoChallenge: Error {}

    @Test("B3.6: the attribute is in the challenge of a server that takes tokens, and of no other")
    func attribute() throws {
        var with = Self.gatekeeper(Self.register)
        #expect(try challenge(&with)[STUNMessage.ThirdPartyAuthorization.self]?.value == "turn.example")
        var without = Self.gatekeeper(nil)
        #expect(try challenge(&without)[STUNMessage.ThirdPartyAuthorization.self] == nil)
    }

    @Test("B3.6: a token lets in until 5 seconds after its end, and its key all that comes behind it")
    func taken() throws {
        var gatekeeper = Self.gatekeeper(Self.register)
        let nonce = try challenge(&gatekeeper)[STUNMessage.Nonce.self]
        let verdict = gatekeeper.judge(request(nonce), from: source, at: start + .milliseconds(64_999))
        guard case .accepted(let pass) = verdict, let session = pass.session else {
            Issue.record("not let in")
            return
        }
        #expect(session.expiry == start + .seconds(65))
        let behind = request(nonce, token: nil)
        guard case .accepted = gatekeeper.judge(behind, from: source, session: session, at: start) else {
            Issue.record("not let in behind it")
            return
        }
        #expect(code(gatekeeper.judge(behind, from: source, at: start)) == 401, "nothing was opened for it")
        #expect(code(gatekeeper.judge(request(nonce), from: source, at: start + .seconds(65))) == 401)
    }

    @Test("B3.6: another key's name, token or session key is refused; an old nonce is told")
    func refused() throws {
        var gatekeeper = Self.gatekeeper(Self.register)
        let nonce = try challenge(&gatekeeper)[STUNMessage.Nonce.self]
        for bad in [
            request(nonce, keyID: "other"), request(nonce, token: [9]), request(nonce, macKey: [9]),
            request(nonce, keyID: "user"),
        ] {
            #expect(code(gatekeeper.judge(bad, from: source, at: start)) == 401)
        }
        #expect(code(gatekeeper.judge(request(.init("old")), from: source, at: start)) == 438)
        #expect(code(gatekeeper.judge(request(nil), from: source, at: start)) == 400)
    }

    private func code(_ verdict: LongTermGatekeeper.Verdict) -> Int? {
        if case .reply(_, let code) = verdict { code } else { nil }
    }
}
