internal import COpenSSL

/// A keyed HMAC (RFC 2104) that is used again and again with the same key.
///
/// The context is keyed once and then restarted with a null key, which costs a fifth of a one-shot call. The class owns
/// the context; it is freed with the last reference.
@safe package final class HMAC {
    /// The hash function inside.
    package let function: HashFunction
    private let context: OpaquePointer
    private let rekeying: [UInt8]?
    private var isBroken = false

    /// Before 3.0.3, libcrypto ignored a restart with a null key and went on hashing (openssl#17811): there the key is set anew.
    package static let canRestartWithNullKey = OpenSSL_version_num() >= 0x3000_0030

    /// A context for a key of any length; nil where libcrypto refuses the function.
    package init?(_ function: HashFunction, key: [UInt8], restartsWithNullKey: Bool = canRestartWithNullKey) {
        guard let algorithm = unsafe EVP_MAC_fetch(nil, "HMAC", nil) else { return nil }
        defer { unsafe EVP_MAC_free(algorithm) }
        guard let context = unsafe EVP_MAC_CTX_new(algorithm) else { return nil }
        self.function = function
        unsafe self.context = unsafe context
        rekeying = restartsWithNullKey ? nil : key
        guard setKey(key) else { return nil }
    }

    deinit {
        unsafe EVP_MAC_CTX_free(context)
    }

    /// OSSL_MAC_PARAM_DIGEST as bytes that outlive the call: a parameter keeps the address of its name, and what a Swift string lends to a
    /// C function is gone when the function returns.
    private static var digestParameter: UnsafePointer<CChar> {
        let name: StaticString = "digest"
        return unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    }

    private func setKey(_ key: [UInt8]) -> Bool {
        var name = Array(function.providerName.utf8CString)
        // A null key means "the key of before", so that an empty one still needs an address.
        let storage = key.isEmpty ? [0] : key
        return unsafe name.withUnsafeMutableBufferPointer { name in
            var parameters = unsafe [
                OSSL_PARAM_construct_utf8_string(Self.digestParameter, name.baseAddress, 0),
                OSSL_PARAM_construct_end(),
            ]
            return unsafe EVP_MAC_init(context, storage, key.count, &parameters) == 1
        }
    }

    /// Forgets what was hashed so far and begins anew with the same key.
    package func restart() {
        if let rekeying {
            isBroken = !setKey(rekeying)
        } else {
            isBroken = unsafe EVP_MAC_init(context, nil, 0, nil) != 1
        }
    }

    /// Hashes some bytes.
    package func update(_ bytes: Span<UInt8>) {
        let status = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe EVP_MAC_update(context, buffer.baseAddress, buffer.count)
        }
        isBroken = isBroken || status != 1
    }

    /// Hashes a number as 4 bytes, the most significant first.
    package func update(bigEndian number: UInt32) {
        let status = unsafe withUnsafeBytes(of: number.bigEndian) { buffer in
            unsafe EVP_MAC_update(context, buffer.baseAddress, buffer.count)
        }
        isBroken = isBroken || status != 1
    }

    /// The code over all that was hashed since the last restart; nil if libcrypto failed in any step.
    ///
    /// ``restart()`` comes before the next use.
    package func finish() -> AuthenticationCode? {
        guard !isBroken else { return nil }
        return unsafe AuthenticationCode(byteCount: function.byteCount) { output, capacity in
            var length = 0
            let status = unsafe EVP_MAC_final(context, output, &length, capacity)
            return status == 1 && length == function.byteCount
        }
    }
}
