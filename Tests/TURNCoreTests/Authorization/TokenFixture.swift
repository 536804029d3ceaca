import NetBase
import STUN
import Testing

@testable import TURNCore

let serverName = "turn.example.org"

/// A token that tells one from another by its first byte.
func accessToken(_ number: UInt8, keyID: String = "kid", lifetime: Int64 = 900) -> TURNAccessToken {
    TURNAccessToken(
        keyID: keyID, token: [number, 0, 12, 7], macKey: [UInt8](repeating: number, count: 20),
        lifetime: .seconds(lifetime))
}

extension ScriptedServer {
    /// A server that takes access tokens, and a user's password too.
    static func withTokens(
        _ tokens: TURNAccessToken..., password: Bool = false, asking: Bool = false, nonceLifetime: Int64 = 100_000
    ) -> ScriptedServer {
        let server = ScriptedServer(nonceLifetime: nonceLifetime) {
            if !password { ($0.username, $0.password) = ("", "") }
            $0.asksForAccessTokens = asking
        }
        server.gate?.configuration.accessTokens = AccessTokenRegister(serverName: serverName)
        for token in tokens { server.register(token) }
        return server
    }

    /// Lets the server take a token from now on.
    func register(_ token: TURNAccessToken) { gate?.configuration.accessTokens?.add(token, at: now) }

    /// Hands a token to the client.
    func provide(_ token: TURNAccessToken?) { client.provide(token, at: now) }

    /// The server of ``withTokens(_:password:asking:nonceLifetime:)`` with an allocation under a token.
    static func allocated(under token: TURNAccessToken, password: Bool = false) -> ScriptedServer {
        let server = withTokens(token, password: password, asking: true)
        server.provide(token)
        server.allocate()
        server.run(1)
        if server.state == nil { Issue.record("no allocation") }
        _ = server.takeEvents()
        server.forgetSent()
        return server
    }

    /// How many questions for a token were told since the last look.
    func takeQuestions() -> Int {
        takeEvents().count { $0 == .accessTokenNeeded(serverName: serverName) }
    }
}

extension STUNMessage {
    /// The token that it carries.
    var accessToken: [UInt8]? { self[AccessToken.self]?.value }

    func isSigned(under token: TURNAccessToken) -> Bool {
        verifyIntegrity(IntegrityKey(macKey: token.macKey)) == .valid(.sha1)
    }
}
