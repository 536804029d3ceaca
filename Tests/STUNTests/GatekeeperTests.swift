import NetBase
import STUN
import Testing

private let source = TransportAddress(IPAddress(v4: 0xcb00_7105), port: 40_000)
private let start = Instant(nanoseconds: 5_000_000_000)

extension LongTermGatekeeper.Verdict {
    fileprivate var response: STUNMessage? { if case .reply(let response, _) = self { response } else { nil } }
    fileprivate var pass: LongTermGatekeeper.Pass? { if case .accepted(let pass) = self { pass } else { nil } }
}

@Suite("Long-term credentials on the server's side")
struct GatekeeperTests {
    private typealias Algorithm = STUNMessage.PasswordAlgorithm

    private func gatekeeper(
        _ algorithms: [STUNPasswordAlgorithm] = [], anonymous: Bool = false, cookie: Bool = true
    ) -> LongTermGatekeeper {
        var configuration = LongTermGatekeeper.Configuration(realm: "example.org", users: ["user": "pass"])
        configuration.passwordAlgorithms = algorithms
        configuration.offersUserHash = anonymous
        configuration.usesNonceCookie = cookie
        var generator = SeededGenerator(seed: 1)
        return LongTermGatekeeper(configuration, using: &generator)
    }

    private func request(
        _ nonce: String?, _ attributes: [any STUNAttribute] = [STUNMessage.Username("user")],
        realm: String? = "example.org", password: String = "pass", key algorithm: STUNPasswordAlgorithm = .md5,
        integrity: IntegrityAlgorithm? = .sha1
    ) -> STUNMessage {
        var request = STUNMessage(.request, .allocate, transactionID: someID)
        for attribute in attributes { request.append(attribute) }
        if let realm { request.append(STUNMessage.Realm(realm)) }
        if let nonce { request.append(STUNMessage.Nonce(nonce)) }
        if let integrity {
            request.appendIntegrity(
                IntegrityKey(
                    longTermUsername: "user", realm: "example.org", password: password, algorithm: algorithm),
                integrity)
        }
        return request
    }

    private func nonce(
        of gatekeeper: inout LongTermGatekeeper, for client: TransportAddress = source, at now: Instant = start
    ) throws -> String {
        let bare = STUNMessage(.request, .allocate, transactionID: someID)
        let response = try #require(gatekeeper.judge(bare, from: client, at: now).response)
        return try #require(response[STUNMessage.Nonce.self]).value
    }

    @Test("A request without integrity is told the realm, a nonce and no more")
    func challenge() throws {
        var keeper = gatekeeper()
        let bare = STUNMessage(.request, .refresh, transactionID: someID)
        let response = try #require(keeper.judge(bare, from: source, at: start).response)
        #expect(response.messageClass == .failure && response.method == .refresh)
        #expect(response[STUNMessage.ErrorCode.self] == .unauthenticated)
        #expect(response[STUNMessage.Realm.self]?.value == "example.org")
        #expect(response.attributes.map(\.type) == [0x0009, 0x0014, 0x0015])
    }

    @Test(
        "The nonce cookie says what is on offer",
        arguments: [
            ([], false, "obMatJos2AAAA"), ([.sha256, .md5], false, "obMatJos2gAAA"), ([], true, "obMatJos2QAAA"),
            ([.md5], true, "obMatJos2wAAA"),
        ] as [([STUNPasswordAlgorithm], Bool, String)])
    func cookie(_ algorithms: [STUNPasswordAlgorithm], _ anonymous: Bool, _ cookie: String) throws {
        var keeper = gatekeeper(algorithms, anonymous: anonymous)
        #expect(try nonce(of: &keeper).hasPrefix(cookie))
        let bare = STUNMessage(.request, .allocate, transactionID: someID)
        let offer = keeper.judge(bare, from: source, at: start).response?[STUNMessage.PasswordAlgorithms.self]
        #expect(offer?.value.map(\.algorithm) == (algorithms.isEmpty ? nil : algorithms))
    }

    @Test("A server of RFC 5389 has nonces without a cookie, and offers nothing")
    func noCookie() throws {
        var keeper = gatekeeper([.sha256], anonymous: true, cookie: false)
        let nonce = try nonce(of: &keeper)
        #expect(!nonce.hasPrefix("obMatJos2"))
        #expect(keeper.judge(request(nonce), from: source, at: start).pass?.username == "user")
    }

    @Test("Signed requests that lack a name, the realm or the nonce are bad, and are told nothing", arguments: 0..<3)
    func incomplete(_ missing: Int) throws {
        var keeper = gatekeeper()
        let nonce = try nonce(of: &keeper)
        let attempt = request(
            missing == 0 ? nil : nonce, missing == 1 ? [] : [STUNMessage.Username("user")],
            realm: missing == 2 ? nil : "example.org")
        let response = try #require(keeper.judge(attempt, from: source, at: start).response)
        #expect(response[STUNMessage.ErrorCode.self]?.code == 400)
        #expect(response.attributes.map(\.type) == [0x0009])
    }

    @Test("A good request is let in, and its response signed with MESSAGE-INTEGRITY")
    func accepted() throws {
        var keeper = gatekeeper()
        var good = request(try nonce(of: &keeper))
        good.appendFingerprint()
        let pass = try #require(keeper.judge(good, from: source, at: start).pass)
        #expect(pass.username == "user" && pass.algorithm == .sha1)
        var response = STUNMessage(.success, .allocate, transactionID: someID)
        keeper.seal(&response, pass, for: good)
        #expect(response.verifyIntegrity(pass.key) == .valid(.sha1))
        #expect(response.fingerprint == .valid)
    }

    @Test("Unknown names and wrong passwords get a 401 with a new nonce, before their nonce is looked at")
    func wrong() throws {
        var keeper = gatekeeper()
        let nonce = try nonce(of: &keeper)
        for attempt in [
            request(nonce, [STUNMessage.Username("other")]), request(nonce, password: "other"),
            request("made up", password: "other"),
        ] {
            let response = try #require(keeper.judge(attempt, from: source, at: start).response)
            #expect(response[STUNMessage.ErrorCode.self]?.code == 401)
            #expect(response.contains(type: STUNMessage.Realm.type) && response.contains(type: STUNMessage.Nonce.type))
        }
    }

    @Test("A nonce is stale after its lifetime, from another source, or made up; the 438 brings a good one")
    func stale() throws {
        var keeper = gatekeeper([.sha256])
        keeper.configuration.nonceLifetime = .seconds(60)
        let nonce = try nonce(of: &keeper)
        let last = start + .seconds(60) - .nanoseconds(1)
        #expect(keeper.judge(request(nonce), from: source, at: last).pass != nil)
        let elsewhere = TransportAddress(source.ip, port: 40_001)
        for (nonce, client, now) in [
            (nonce, source, start + .seconds(60)), (nonce, elsewhere, start), ("obMatJos2gAAA" + "00", source, start),
            (String(nonce.dropLast()) + (nonce.hasSuffix("0") ? "1" : "0"), source, start), ("", source, start),
        ] {
            let response = try #require(keeper.judge(request(nonce), from: client, at: now).response)
            #expect(response[STUNMessage.ErrorCode.self]?.code == 438)
            #expect(response[STUNMessage.Realm.self] != nil)
            #expect(response[STUNMessage.PasswordAlgorithms.self] != nil)
            let fresh = try #require(response[STUNMessage.Nonce.self]).value
            #expect(keeper.judge(request(fresh), from: client, at: now).pass != nil)
        }
    }

    @Test("Revoking makes all nonces stale")
    func revoking() throws {
        var keeper = gatekeeper()
        let nonce = try nonce(of: &keeper)
        var generator = SeededGenerator(seed: 99)
        keeper.revokeNonces(using: &generator)
        let response = keeper.judge(request(nonce), from: source, at: start).response
        #expect(response?[STUNMessage.ErrorCode.self]?.code == 438)
    }

    @Test("SHA-256 is used where the request repeats the offer and picks it; the response has MESSAGE-INTEGRITY-SHA256")
    func sha256() throws {
        var keeper = gatekeeper([.sha256, .md5])
        let attributes: [any STUNAttribute] = [
            STUNMessage.Username("user"), STUNMessage.PasswordAlgorithms([Algorithm(.sha256), Algorithm(.md5)]),
            Algorithm(.sha256),
        ]
        let good = request(try nonce(of: &keeper), attributes, key: .sha256, integrity: .sha256)
        #expect(keeper.judge(good, from: source, at: start).pass?.algorithm == .sha256)
        let oldFashioned = request(try nonce(of: &keeper))
        #expect(keeper.judge(oldFashioned, from: source, at: start).pass?.algorithm == .sha1)
    }

    @Test("An offer that was tampered with, or a choice outside of it, is bad", arguments: 0..<4)
    func bidDown(_ kind: Int) throws {
        var keeper = gatekeeper([.sha256])
        let list = STUNMessage.PasswordAlgorithms([Algorithm(.sha256)])
        let tampered: [any STUNAttribute] =
            switch kind {
            case 0: [STUNMessage.PasswordAlgorithms([Algorithm(.md5)]), Algorithm(.md5)]
            case 1: [list, Algorithm(.md5)]
            case 2: [list]
            default: [Algorithm(.sha256)]
            }
        let attempt = request(
            try nonce(of: &keeper), [STUNMessage.Username("user")] + tampered, key: .sha256, integrity: .sha256)
        #expect(keeper.judge(attempt, from: source, at: start).response?[STUNMessage.ErrorCode.self]?.code == 400)
    }

    @Test("A hash stands for the name where that is on offer", arguments: [true, false])
    func userHash(_ isOffered: Bool) throws {
        var keeper = gatekeeper(anonymous: isOffered)
        let hash = try #require(STUNMessage.UserHash(username: "user", realm: "example.org"))
        let verdict = keeper.judge(request(try nonce(of: &keeper), [hash]), from: source, at: start)
        #expect(verdict.pass?.username == (isOffered ? "user" : nil))
        #expect(verdict.response?[STUNMessage.ErrorCode.self]?.code == (isOffered ? nil : 401))
    }

    @Test("A password that changes holds from the next request on")
    func changing() throws {
        var keeper = gatekeeper()
        let nonce = try nonce(of: &keeper)
        #expect(keeper.judge(request(nonce), from: source, at: start).pass != nil)
        keeper.configuration.users["user"] = "new"
        #expect(keeper.judge(request(nonce), from: source, at: start).pass == nil)
        #expect(keeper.judge(request(nonce, password: "new"), from: source, at: start).pass != nil)
    }
}
