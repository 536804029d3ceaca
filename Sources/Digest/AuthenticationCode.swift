internal import COpenSSL

/// The result of an HMAC: up to 32 bytes, held without an allocation.
package struct AuthenticationCode: Sendable {
    typealias Words = (UInt64, UInt64, UInt64, UInt64)
    static let blank: Words = (0, 0, 0, 0)

    private var words = blank

    /// The number of bytes in the code, 20 or 32.
    package let byteCount: Int

    /// Lets a writer fill the code; nil if it says that it could not.
    init?(byteCount: Int, fill: (UnsafeMutableRawBufferPointer) -> Bool) {
        self.byteCount = byteCount
        guard unsafe withUnsafeMutableBytes(of: &words, fill) else { return nil }
    }

    /// Whether the received bytes are the code, or its beginning where they are fewer, compared in constant time.
    ///
    /// No bytes at all, or more than the code has, never match.
    package func matches(_ received: Span<UInt8>) -> Bool {
        guard 1...byteCount ~= received.count else { return false }
        return unsafe withUnsafeBytes { own in
            unsafe received.withUnsafeBytes { other in
                unsafe CRYPTO_memcmp(own.baseAddress, other.baseAddress, other.count) == 0
            }
        }
    }

    /// Writes the code over the bytes from an index on; the array must reach that far.
    package func write(to bytes: inout [UInt8], at index: Int) {
        precondition(index >= 0 && byteCount <= bytes.count - index, "the code does not fit")
        unsafe bytes.withUnsafeMutableBytes { target in
            unsafe withUnsafeBytes { own in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[index...]).copyMemory(from: own)
            }
        }
    }

    private func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe Swift.withUnsafeBytes(of: words) { own in
            unsafe body(UnsafeRawBufferPointer(start: own.baseAddress, count: byteCount))
        }
    }

    /// The code as an array.
    package var bytes: [UInt8] {
        unsafe withUnsafeBytes { own in unsafe [UInt8](own) }
    }
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
package func constantTimeEqual(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
    guard a.count == b.count else { return false }
    if a.isEmpty { return true }
    return unsafe a.withUnsafeBytes { first in
        unsafe b.withUnsafeBytes { second in
            unsafe CRYPTO_memcmp(first.baseAddress, second.baseAddress, first.count) == 0
        }
    }
}
