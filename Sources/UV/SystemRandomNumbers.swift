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
    private typealias Draw = (Four, Four, Four, Four)
    private typealias Four = (UInt64, UInt64, UInt64, UInt64)

    private var drawn: Draw = ((0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0))
    /// How many of them nobody has seen.
    private var left = 0

    /// A generator that has drawn nothing yet.
    package init() {}

    /// The next number.
    package func next() -> UInt64 {
        if left == 0 { draw() }
        guard left > 0 else {
            // The system refuses to hand out several.
            var system = SystemRandomNumberGenerator()
            return system.next()
        }
        left -= 1
        return unsafe withUnsafeBytes(of: &drawn) { numbers in
            unsafe numbers.load(fromByteOffset: left * MemoryLayout<UInt64>.size, as: UInt64.self)
        }
    }

    private func draw() {
        let status = unsafe withUnsafeMutableBytes(of: &drawn) { unsafe getentropy($0.baseAddress, $0.count) }
        if status == 0 { left = MemoryLayout<Draw>.size / MemoryLayout<UInt64>.size }
    }
}
