import Digest

/// What an authorization server gives a client, so that a TURN server lets it in that does not know it (RFC 7635).
///
/// How it is asked for is between the application and its authorization server, mostly over HTTPS: the four parts are what the answer
/// calls `kid`, `access_token`, `key` and `expires_in`. Where those are Base64, decode them first.
///
/// ```swift
/// func accessToken(kid: String, sealed: [UInt8], key: [UInt8], seconds: Int64) -> TURNAccessToken {
///     TURNAccessToken(keyID: kid, token: sealed, macKey: key, lifetime: .seconds(seconds))
/// }
/// ```
public struct TURNAccessToken: Hashable, Sendable {
    /// The name of the key that the server opens the token with: `kid`, which travels in USERNAME (RFC 7635 §5).
    public let keyID: String

    /// The token, which only the server can read.
    public let token: [UInt8]

    /// The session key, `mac_key`, that requests and responses are signed with: 20 bytes for HMAC-SHA1 (RFC 7635 §6.2). A secret.
    public let macKey: [UInt8]

    /// How much longer the server takes the token, from when it is handed to a client: `expires_in`.
    public let lifetime: Duration

    /// A token and what came with it.
    public init(keyID: String, token: [UInt8], macKey: [UInt8], lifetime: Duration) {
        self.keyID = keyID
        self.token = token
        self.macKey = macKey
        self.lifetime = lifetime
    }

    /// Whether all parts are equal; how long that takes tells nothing of the keys but their length.
    public static func == (one: TURNAccessToken, other: TURNAccessToken) -> Bool {
        let sameKey = constantTimeEqual(one.macKey.span, other.macKey.span)
        return one.keyID == other.keyID && one.token == other.token && one.lifetime == other.lifetime && sameKey
    }

    /// Hashes what is no secret.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(keyID)
        hasher.combine(token)
        hasher.combine(lifetime)
    }
}

extension TURNAccessToken: CustomStringConvertible, CustomDebugStringConvertible {
    /// The key's name and the lifetime; never the token or the session key.
    public var description: String { "access token for key \(keyID), good for \(lifetime)" }

    /// The key's name and the lifetime; never the token or the session key.
    public var debugDescription: String { description }
}
