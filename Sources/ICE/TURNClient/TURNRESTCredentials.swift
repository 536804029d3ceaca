import Digest

/// A user name and password that a TURN server accepts until a time, made from the secret that it shares with whoever hands them out.
///
/// This is the "TURN REST API" that coturn calls `use-auth-secret`: the user name is the expiry in Unix seconds with an optional user
/// behind it, the password the Base64 form of HMAC-SHA1(secret, user name). The secret stays on the server's side of an
/// application; what is made from it goes to its users. An allocation keeps the credentials that it was made with.
///
/// ```swift
/// let credentials = TURNRESTCredentials(secret: secret, expiresAt: now + 86_400, user: "alice")
/// ```
public struct TURNRESTCredentials: Hashable, Sendable {
    /// `expiry` or `expiry:user`.
    public let username: String

    /// What proves that the secret's holder made the user name.
    public let password: String

    /// Credentials that new allocations may use until a time, in seconds since 1970.
    ///
    /// - Parameters:
    ///   - secret: What the server has as `static-auth-secret`.
    ///   - expiry: When new allocations are refused, in seconds since 1970.
    ///   - user: Told to the server for its logs and quotas; empty for nobody in particular.
    public init(secret: String, expiresAt expiry: Int64, user: String = "") {
        username = user.isEmpty ? "\(expiry)" : "\(expiry):\(user)"
        let hmac = HMAC(.sha1, key: Array(secret.utf8))
        hmac?.restart()
        hmac?.update(Array(username.utf8).span)
        password = Self.base64(hmac?.finish()?.bytes ?? [])
    }

    /// RFC 4648 §4, with padding.
    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = (0..<3).reduce(0) { $0 << 8 | Int($1 < group.count ? group[start + $1] : 0) }
            for index in 0..<4 {
                let isPadding = index > group.count
                text.append(isPadding ? UInt8(ascii: "=") : alphabet[bits >> (18 - 6 * index) & 63])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension TURNRESTCredentials: CustomStringConvertible, CustomDebugStringConvertible {
    /// The user name; never the password.
    public var description: String { username }

    /// The user name; never the password.
    public var debugDescription: String { description }
}
