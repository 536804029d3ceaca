internal import COpenSSL

/// A running hash that begins anew in place, without an allocation.
///
/// EVP of OpenSSL 3.0 has no such thing: EVP_DigestInit_ex frees the state and allocates another, EVP_MD_CTX_copy_ex and EVP_MAC_init, which
/// copies with it, allocate a copy. The functions that a provider implements a hash by (provider-digest(7)), which EVP itself calls, begin
/// anew in the state that they are given. They are public, and taken from the provider that EVP would have taken.
@safe struct HashState: ~Copyable {
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
        guard let functions = HashImplementation.of(function),
            let make = unsafe functions[OSSL_FUNC_DIGEST_NEWCTX].flatMap({ unsafe OSSL_FUNC_digest_newctx($0) }),
            let initialize = unsafe functions[OSSL_FUNC_DIGEST_INIT].flatMap({ unsafe OSSL_FUNC_digest_init($0) }),
            let absorb = unsafe functions[OSSL_FUNC_DIGEST_UPDATE].flatMap({ unsafe OSSL_FUNC_digest_update($0) }),
            let conclude = unsafe functions[OSSL_FUNC_DIGEST_FINAL].flatMap({ unsafe OSSL_FUNC_digest_final($0) }),
            let free = unsafe functions[OSSL_FUNC_DIGEST_FREECTX].flatMap({ unsafe OSSL_FUNC_digest_freectx($0) }),
            let state = unsafe make(functions.providerContext)
        else { return nil }
        unsafe self.state = unsafe state
        unsafe (self.initialize, self.absorb, self.conclude, self.free) = unsafe (initialize, absorb, conclude, free)
    }

    deinit {
        unsafe free(state)
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
