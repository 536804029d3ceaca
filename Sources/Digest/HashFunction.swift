internal import COpenSSL

/// The hash functions that STUN names (RFC 8489 §18.5, §14.5, §14.6).
package enum HashFunction: Hashable, Sendable {
    /// MD5, 16 bytes; only for long-term keys of RFC 5389's kind.
    case md5
    /// SHA-1, 20 bytes; only inside HMAC.
    case sha1
    /// SHA-256, 32 bytes.
    case sha256

    /// The length of the digest in bytes.
    package var byteCount: Int {
        switch self {
        case .md5: 16
        case .sha1: 20
        case .sha256: 32
        }
    }

    /// The name libcrypto's providers know the function by.
    var providerName: String {
        switch self {
        case .md5: "MD5"
        case .sha1: "SHA1"
        case .sha256: "SHA256"
        }
    }

    /// The digest of some bytes, or nil where libcrypto refuses the function (MD5 in FIPS mode).
    package func digest(of bytes: [UInt8]) -> [UInt8]? {
        var length = 0
        var isDone = false
        let digest = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { output, count in
            isDone =
                unsafe EVP_Q_digest(nil, providerName, nil, bytes, bytes.count, output.baseAddress, &length) == 1
            count = isDone ? length : 0
        }
        return isDone && digest.count == byteCount ? digest : nil
    }
}
