package import NetBase
package import STUN

// Third-party authorization (RFC 7635).
extension TURNServerCore {
    /// Makes a token that is taken from now on.
    package mutating func issueToken(lifetime: Duration, at now: Instant) -> TURNAccessToken {
        // As long as RFC 7635's examples: a nonce of 12 bytes, and 34 that are encrypted, with a tag of 16.
        let token = randomBytes(64)
        let access = TURNAccessToken(keyID: "key-1", token: token, macKey: randomBytes(20), lifetime: lifetime)
        tokenRegister?.add(access, at: now)
        return access
    }

    /// Takes none of the tokens any more that were issued.
    package mutating func revokeTokens() {
        tokenRegister?.removeAll()
    }

    /// Other settings change nothing about the tokens, but for the name that they were made for.
    mutating func keepTokens() {
        let isSame = settings.thirdPartyName == tokenRegister?.serverName
        tokenRegister = isSame ? tokenRegister : settings.thirdPartyName.map(AccessTokenRegister.init)
    }

    private mutating func randomBytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// "If a STUN server receives an ACCESS-TOKEN attribute unexpectedly […], it will respond with an error code of 420" (RFC 7635 §7).
    mutating func rejectsToken(_ request: STUNMessage, on tuple: TURNFiveTuple) -> Bool {
        guard settings.thirdPartyName == nil, request.contains(type: STUNMessage.AccessToken.type) else { return false }
        var response = STUNMessage.unknownAttributesResponse(
            to: request, [STUNMessage.AccessToken.type], software: settings.software)
        if request.fingerprint == .valid { response.appendFingerprint() }
        respond(response, to: tuple)
        return true
    }

    /// What a token has opened for the allocation that a request is about. RFC 7635 §9 has the token itself in Allocate and Refresh requests
    /// alone: whoever binds a connection names the allocation by the connection's number, and comes from another port than it.
    func tokenSession(for request: STUNMessage, on tuple: TURNFiveTuple) -> AccessTokenSession? {
        guard request.method == .connectionBind else { return tokenSessions[tuple] }
        let id = request[STUNMessage.ConnectionID.self]?.value
        return connections.first { $0.id == id }.flatMap { tokenSessions[$0.owner] }
    }

    /// Remembers what a token has opened for as long as there is the allocation.
    mutating func keep(_ session: AccessTokenSession?, on tuple: TURNFiveTuple) {
        guard let session else { return }
        tokenSessions[tuple] = session
        tokenSessions = tokenSessions.filter { allocations[$0.key] != nil }
    }
}
