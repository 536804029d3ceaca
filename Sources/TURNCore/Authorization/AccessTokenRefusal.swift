/// Why there is no allocation by means of an access token, nor of a password (RFC 7635).
package enum AccessTokenRefusal: Hashable, Sendable {
    /// The server takes no tokens.
    case notOffered
    /// The server of this name wants a token, and there is none.
    case missing(serverName: String)
    /// The server of this name does not take the token, nor others that came in its place.
    case rejected(serverName: String)
}
