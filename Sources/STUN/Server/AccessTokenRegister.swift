package import NetBase

/// The access tokens that a server takes (RFC 7635 §7), as one keeps them that opens none but remembers what is inside.
package struct AccessTokenRegister: Sendable {
    /// The name in THIRD-PARTY-AUTHORIZATION.
    package let serverName: String
    private var entries: [[UInt8]: Entry] = [:]

    private struct Entry: Sendable {
        let access: TURNAccessToken
        let expiry: Instant
    }

    /// "The RECOMMENDED value for the allowed Delta is 5 seconds" (RFC 7635 §7).
    package static let tolerance = Duration.seconds(5)

    /// A server that takes no token yet.
    package init(serverName: String) {
        self.serverName = serverName
    }

    /// Takes a token from now on for its lifetime.
    package mutating func add(_ access: TURNAccessToken, at now: Instant) {
        entries[access.token] = Entry(access: access, expiry: now + access.lifetime + Self.tolerance)
    }

    /// Takes none of the tokens any more.
    package mutating func removeAll() { entries = [:] }

    /// What a token lets in; nil where it is unknown, out of date, or made for another key.
    func session(_ token: [UInt8], keyID: String, at now: Instant) -> AccessTokenSession? {
        guard let entry = entries[token], entry.access.keyID == keyID, now < entry.expiry else { return nil }
        return AccessTokenSession(keyID: keyID, key: IntegrityKey(macKey: entry.access.macKey), expiry: entry.expiry)
    }
}

/// What an access token has opened: the key of all further requests, and how long an allocation may last (RFC 7635 §9).
package struct AccessTokenSession {
    /// The name that requests have in USERNAME.
    package let keyID: String
    /// The session key.
    package let key: IntegrityKey
    /// When the token has run out.
    package let expiry: Instant
}
