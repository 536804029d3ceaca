/// A keyed HMAC (RFC 2104) that is used again and again with the same key.
///
/// It keeps the key as the block that both passes begin with, and one state for both: some 250 bytes with the state, where a keyed
/// EVP_MAC_CTX takes 900. A code costs two blocks more than from states that are past the key, less than EVP takes to copy those.
package final class HMAC {
    /// The hash function inside.
    package let function: HashFunction
    private var isBroken = false
    private let hash: HashState
    private let key: KeyBlock

    /// A context for a key of any length; nil where libcrypto refuses the function.
    package init?(_ function: HashFunction, key: [UInt8]) {
        guard let hash = HashState(function), let key = KeyBlock(key, for: function) else { return nil }
        self.function = function
        self.hash = hash
        self.key = key
    }

    /// Forgets what was hashed so far and begins anew with the same key.
    package func restart() {
        restart(with: key.combined(with: KeyBlock.innerPad), count: KeyBlock.byteCount)
    }

    /// Begins anew, and hashes a number as 4 bytes, the most significant first.
    package func restart(bigEndian number: UInt32) {
        restart(
            with: (key.combined(with: KeyBlock.innerPad), number.bigEndian),
            count: KeyBlock.byteCount + MemoryLayout<UInt32>.size)
    }

    private func restart<Block>(with block: Block, count: Int) {
        let isHashed = unsafe withUnsafeBytes(of: block) { bytes in
            unsafe hash.restart() && hash.update(UnsafeRawBufferPointer(start: bytes.baseAddress, count: count))
        }
        isBroken = !isHashed
    }

    /// Hashes some bytes.
    package func update(_ bytes: Span<UInt8>) {
        let isDone = unsafe bytes.withUnsafeBytes { unsafe hash.update($0) }
        isBroken = isBroken || !isDone
    }

    /// The code over all that was hashed since the last restart; nil if libcrypto failed in any step.
    ///
    /// ``restart()`` comes before the next use.
    package func finish() -> AuthenticationCode? {
        guard !isBroken else { return nil }
        let count = function.byteCount
        // The pad, and the inner hash behind it.
        var outer = (pad: key.combined(with: KeyBlock.outerPad), inner: AuthenticationCode.blank)
        let isHashed = unsafe withUnsafeMutableBytes(of: &outer) { block in
            let inner = unsafe UnsafeMutableRawBufferPointer(rebasing: block[KeyBlock.byteCount...])
            return unsafe hash.finish(byteCount: count, into: inner) && hash.restart()
                && hash.update(UnsafeRawBufferPointer(start: block.baseAddress, count: KeyBlock.byteCount + count))
        }
        guard isHashed else { return nil }
        return unsafe AuthenticationCode(byteCount: count) { unsafe hash.finish(byteCount: count, into: $0) }
    }
}

/// A key as long as the hash function's blocks: "append zeros to the end of K to create a B byte string" (RFC 2104 §2).
private struct KeyBlock {
    /// "ipad = the byte 0x36 repeated B times".
    static let innerPad: UInt64 = 0x3636_3636_3636_3636
    /// "opad = the byte 0x5C repeated B times".
    static let outerPad: UInt64 = 0x5c5c_5c5c_5c5c_5c5c

    /// MD5, SHA-1 and SHA-256 all take 64 bytes at a time.
    static let byteCount = 64

    private var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)

    /// "Applications that use keys longer than B bytes will first hash the key using H"; nil where libcrypto refuses to.
    init?(_ key: [UInt8], for function: HashFunction) {
        guard let key = key.count > Self.byteCount ? function.digest(of: key) : key else { return nil }
        unsafe withUnsafeMutableBytes(of: &words) { unsafe $0.copyBytes(from: key) }
    }

    /// The block with one of the pads in each of its bytes.
    func combined(with pad: UInt64) -> KeyBlock {
        var block = self
        block.words = (
            words.0 ^ pad, words.1 ^ pad, words.2 ^ pad, words.3 ^ pad,
            words.4 ^ pad, words.5 ^ pad, words.6 ^ pad, words.7 ^ pad
        )
        return block
    }
}
