internal import COpenSSL

/// What a provider computes a hash function by: looked up once in a process, and held for as long as it runs.
@safe struct HashImplementation: Sendable {
    // Addresses, as pointers are not `Sendable`; what they point to does not change.
    private let algorithm: UInt
    private let functions: UInt

    private static let md5 = HashImplementation(.md5)
    private static let sha1 = HashImplementation(.sha1)
    private static let sha256 = HashImplementation(.sha256)

    /// What computes a function; nil where libcrypto refused it when it was first asked for.
    static func of(_ function: HashFunction) -> HashImplementation? {
        switch function {
        case .md5: md5
        case .sha1: sha1
        case .sha256: sha256
        }
    }

    private init?(_ function: HashFunction) {
        guard let algorithm = unsafe EVP_MD_fetch(nil, function.providerName, nil) else { return nil }
        guard let provider = unsafe EVP_MD_get0_provider(algorithm),
            let functions = unsafe Self.functions(of: algorithm, by: provider)
        else {
            unsafe EVP_MD_free(algorithm)
            return nil
        }
        self.algorithm = UInt(bitPattern: algorithm)
        self.functions = UInt(bitPattern: functions)
    }

    /// The functions that a fetched digest consists of, each under its number; nil where its provider does not tell.
    private static func functions(
        of digest: OpaquePointer, by provider: OpaquePointer
    ) -> UnsafePointer<OSSL_DISPATCH>? {
        var mayChange: Int32 = 0
        guard var algorithm = unsafe OSSL_PROVIDER_query_operation(provider, OSSL_OP_DIGEST, &mayChange) else {
            return nil
        }
        // The end of the list has no name.
        while let names = unsafe algorithm.pointee.algorithm_names {
            // All names of an algorithm, with colons between.
            let name = unsafe String(String(cString: names).prefix { $0 != ":" })
            if unsafe EVP_MD_is_a(digest, name) == 1 { return unsafe algorithm.pointee.implementation }
            unsafe algorithm += 1
        }
        return nil
    }

    /// What the provider knows itself by.
    var providerContext: UnsafeMutableRawPointer? {
        unsafe OSSL_PROVIDER_get0_provider_ctx(EVP_MD_get0_provider(OpaquePointer(bitPattern: algorithm)))
    }

    /// The entry under a number; nil where there is none.
    subscript(_ number: Int32) -> UnsafePointer<OSSL_DISPATCH>? {
        guard var entry = unsafe UnsafePointer<OSSL_DISPATCH>(bitPattern: functions) else { return nil }
        while unsafe entry.pointee.function_id != 0 {
            if unsafe entry.pointee.function_id == number { return unsafe entry }
            unsafe entry += 1
        }
        return nil
    }
}
