internal import COpenSSL

/// A running hash that begins anew in place, without an allocation.
///
/// EVP of OpenSSL 3.0 has no such thing: EVP_DigestInit_ex frees the state and allocates another, EVP_MD_CTX_copy_ex and EVP_MAC_init, which
/// copies with it, allocate a copy. The functions that a provider implements a hash by (provider-digest(7)), which EVP itself calls, begin
/// anew in the state that they are given. They are public, and taken from the provider that EVP would have taken.
@safe struct HashState: ~Copyable {
    /// Held for as long as its provider is called.
    private let algorithm: OpaquePointer
    private let state: UnsafeMutableRawPointer
    private let initialize: Initialize
    private let absorb: Absorb
    private let conclude: Conclude
    private let free: Free

    // As C calls them: Swift imports the names of OpenSSL for them as closures, each with a context on the heap.
    private typealias Initialize = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<OSSL_PARAM>?) -> Int32
    private typealias Absorb = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<UInt8>?, Int) -> Int32
    private typealias Conclude =
        @convention(c) (UnsafeMutableRawPointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<Int>?, Int) ->
        Int32
    private typealias Free = @convention(c) (UnsafeMutableRawPointer?) -> Void

    /// A state of a function's; nil where libcrypto refuses the function.
    init?(_ function: HashFunction) {
        guard let algorithm = unsafe EVP_MD_fetch(nil, function.providerName, nil) else { return nil }
        guard let provider = unsafe EVP_MD_get0_provider(algorithm),
            let functions = unsafe DigestFunctions(of: algorithm, by: provider),
            let make = unsafe functions[OSSL_FUNC_DIGEST_NEWCTX].flatMap({ unsafe OSSL_FUNC_digest_newctx($0) }),
            let initialize = unsafe functions[OSSL_FUNC_DIGEST_INIT].flatMap({ unsafe OSSL_FUNC_digest_init($0) }),
            let absorb = unsafe functions[OSSL_FUNC_DIGEST_UPDATE].flatMap({ unsafe OSSL_FUNC_digest_update($0) }),
            let conclude = unsafe functions[OSSL_FUNC_DIGEST_FINAL].flatMap({ unsafe OSSL_FUNC_digest_final($0) }),
            let free = unsafe functions[OSSL_FUNC_DIGEST_FREECTX].flatMap({ unsafe OSSL_FUNC_digest_freectx($0) }),
            let state = unsafe make(OSSL_PROVIDER_get0_provider_ctx(provider))
        else {
            unsafe EVP_MD_free(algorithm)
            return nil
        }
        unsafe (self.algorithm, self.state) = unsafe (algorithm, state)
        unsafe (self.initialize, self.absorb, self.conclude, self.free) = unsafe (initialize, absorb, conclude, free)
    }

    deinit {
        unsafe free(state)
        unsafe EVP_MD_free(algorithm)
    }

    /// Forgets what was hashed so far; false if libcrypto failed.
    func restart() -> Bool { unsafe initialize(state, nil) == 1 }

    /// Hashes some bytes; false if libcrypto failed.
    func update(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return true }
        return unsafe absorb(state, start.assumingMemoryBound(to: UInt8.self), bytes.count) == 1
    }

    /// Writes the hash, and its length is to be so many bytes; false if libcrypto failed.
    ///
    /// ``restart()`` comes before the next use.
    func finish(byteCount: Int, into output: UnsafeMutableRawBufferPointer) -> Bool {
        guard let start = output.baseAddress else { return false }
        var length = 0
        let status = unsafe conclude(state, start.assumingMemoryBound(to: UInt8.self), &length, output.count)
        return status == 1 && length == byteCount
    }
}

/// The functions that a provider implements a digest by, each under its number.
@unsafe private struct DigestFunctions {
    private let first: UnsafePointer<OSSL_DISPATCH>

    /// What a fetched digest consists of; nil where its provider does not tell.
    init?(of digest: OpaquePointer, by provider: OpaquePointer) {
        var mayChange: Int32 = 0
        guard var algorithm = unsafe OSSL_PROVIDER_query_operation(provider, OSSL_OP_DIGEST, &mayChange) else {
            return nil
        }
        // The end of the list has no name.
        while let names = unsafe algorithm.pointee.algorithm_names {
            // All names of an algorithm, with colons between.
            let name = unsafe String(String(cString: names).prefix { $0 != ":" })
            if unsafe EVP_MD_is_a(digest, name) == 1, let first = unsafe algorithm.pointee.implementation {
                unsafe self.first = unsafe first
                return
            }
            unsafe algorithm += 1
        }
        return nil
    }

    /// The entry under a number; nil where there is none.
    subscript(_ number: Int32) -> UnsafePointer<OSSL_DISPATCH>? {
        var entry = unsafe first
        while unsafe entry.pointee.function_id != 0 {
            if unsafe entry.pointee.function_id == number { return unsafe entry }
            unsafe entry += 1
        }
        return nil
    }
}
