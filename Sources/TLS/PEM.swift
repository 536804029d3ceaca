import COpenSSL

/// Reads certificates and keys in their PEM form (RFC 7468).
enum PEM {
    /// A parsed certificate, freed with its last holder; OpenSSL counts its own references besides.
    @safe
    final class Certificate {
        let pointer: OpaquePointer
        init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }
        deinit { unsafe X509_free(pointer) }
    }

    /// A parsed private key, freed with its last holder.
    @safe
    final class PrivateKey {
        let pointer: OpaquePointer
        init(_ pointer: OpaquePointer) { unsafe self.pointer = pointer }
        deinit { unsafe EVP_PKEY_free(pointer) }
    }

    /// All certificates, one at least, in their order.
    static func certificates(in bytes: [UInt8]) throws(TLSError) -> [Certificate] {
        ERR_clear_error()
        var certificates: [Certificate] = []
        try unsafe withReader(bytes) { reader in
            while let certificate = unsafe PEM_read_bio_X509(reader, nil, nil, nil) {
                unsafe certificates.append(Certificate(certificate))
            }
        }
        // The end of the text is told as an error too: the one that says that no further block starts.
        guard !certificates.isEmpty, ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE else {
            throw .takingFromQueue(otherwise: .badPEM)
        }
        ERR_clear_error()
        return certificates
    }

    /// The first private key; an encrypted one is refused, since there is nobody to ask for its password.
    static func privateKey(in bytes: [UInt8]) throws(TLSError) -> PrivateKey {
        ERR_clear_error()
        var key: PrivateKey?
        try unsafe withReader(bytes) { reader in
            if let pointer = unsafe PEM_read_bio_PrivateKey(reader, nil, { _, _, _, _ in -1 }, nil) {
                key = unsafe PrivateKey(pointer)
            }
        }
        guard let key else { throw .takingFromQueue(otherwise: .badPEM) }
        return key
    }

    private static func withReader(_ bytes: [UInt8], _ read: (OpaquePointer) -> Void) throws(TLSError) {
        guard let count = CInt(exactly: bytes.count) else {
            throw TLSError(.badPEM, reason: "more than 2 GiB")
        }
        let isMade = unsafe bytes.withUnsafeBytes { buffer in
            guard let reader = unsafe BIO_new_mem_buf(buffer.baseAddress, count) else { return false }
            unsafe read(reader)
            unsafe BIO_free(reader)
            return true
        }
        guard isMade else { throw .takingFromQueue(otherwise: .badPEM) }
    }
}
