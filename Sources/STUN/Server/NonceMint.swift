import Digest
import NetBase

/// What a server tells of itself in the first 13 characters of its nonces, where nobody on the way can change it (RFC 8489 §9.2).
///
/// "Bit 0 is the leftmost bit" of 24 (RFC 8489 §18.1).
struct NonceFeatures: OptionSet {
    let rawValue: UInt32

    /// Bit 0: the server offers a choice of password algorithms.
    static let passwordAlgorithms = NonceFeatures(rawValue: 1 << 23)
    /// Bit 1: the server takes USERHASH in USERNAME's place.
    static let usernameAnonymity = NonceFeatures(rawValue: 1 << 22)

    static let cookiePrefix = "obMatJos2"
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    /// Reads the cookie that a nonce begins with; no features where there is none.
    init(nonce: String) {
        let digits = nonce.utf8.dropFirst(Self.cookiePrefix.utf8.count).prefix(4)
        guard nonce.utf8.starts(with: Self.cookiePrefix.utf8), digits.count == 4 else {
            self.init(rawValue: 0)
            return
        }
        var bits: UInt32 = 0
        for digit in digits { bits = bits << 6 | UInt32(Self.alphabet.firstIndex(of: digit) ?? 0) }
        self.init(rawValue: bits)
    }

    /// The nonce cookie: `obMatJos2` and the features in base64.
    var cookie: String {
        let digits = (0..<4).map { Self.alphabet[Int(rawValue >> (18 - 6 * $0) & 0x3f)] }
        return Self.cookiePrefix + String(decoding: digits, as: UTF8.self)
    }
}

/// Makes nonces that carry their own age and are good for one source only, so that a server need not remember any.
///
/// "The server MUST NOT choose the same NONCE for two requests unless they have the same source IP address and port"
/// (RFC 8489 §9.2.4): the source is part of what is signed.
struct NonceMint {
    private let hmac: HMAC?

    /// A mint with a secret of its own; nonces of other mints are stale to it.
    init(using generator: inout some RandomNumberGenerator) {
        hmac = HMAC(.sha256, key: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    /// A nonce for a source; without a cookie where the features are nil, as RFC 5389's servers have it.
    func nonce(for source: TransportAddress, _ features: NonceFeatures?, at now: Instant) -> String {
        let age = UInt64(bitPattern: now.nanoseconds)
        var signed: [UInt8] = Array("\(features?.cookie ?? "")|\(source)|".utf8)
        signed.append(bigEndian: age)
        hmac?.restart()
        hmac?.update(signed.span)
        let code = hmac?.finish()?.bytes.prefix(16) ?? []
        return (features?.cookie ?? "") + hexadecimal(age) + code.map { hexadecimal($0) }.joined()
    }

    /// Whether the mint made a nonce for a source, with these features, less than a lifetime ago.
    func accepts(
        _ nonce: String, from source: TransportAddress, _ features: NonceFeatures?, at now: Instant,
        lifetime: Duration
    ) -> Bool {
        let digits = nonce.utf8.dropFirst(features?.cookie.utf8.count ?? 0).prefix(16)
        guard hmac != nil, let age = UInt64(String(decoding: digits, as: UTF8.self), radix: 16) else { return false }
        let birth = Instant(nanoseconds: Int64(bitPattern: age))
        let (own, theirs) = (Array(self.nonce(for: source, features, at: birth).utf8), Array(nonce.utf8))
        guard constantTimeEqual(own.span, theirs.span) else { return false }
        return now >= birth && now < birth + lifetime
    }
}

private func hexadecimal<Number: FixedWidthInteger>(_ number: Number) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: Number.bitWidth / 4 - digits.count) + digits
}
