#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The system's cryptographic generator, asked for several numbers at a time, as each time is a system call.
///
/// A class, so that no copy hands out the same numbers again. Make one for each owner: processes that are forked have in common only what
/// was drawn for owners that they have in common.
@safe
package final class SystemRandomNumbers: RandomNumberGenerator {
    /// A call's set-up takes a dozen, and one that idles three in five seconds.
    private static let count = 16

    private let drawn = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: count)
    /// How many of them nobody has seen.
    private var left = 0

    /// A generator that has drawn nothing yet.
    package init() {}

    deinit { unsafe drawn.deallocate() }

    /// The next number.
    package func next() -> UInt64 {
        if left == 0 { draw() }
        guard left > 0 else {
            // The system refuses to hand out several.
            var system = SystemRandomNumberGenerator()
            return system.next()
        }
        left -= 1
        return unsafe drawn[left]
    }

    private func draw() {
        let status = unsafe getentropy(drawn.baseAddress, Self.count * MemoryLayout<UInt64>.stride)
        if status == 0 { left = Self.count }
    }
}
