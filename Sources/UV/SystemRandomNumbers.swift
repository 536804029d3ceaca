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
package final class SystemRandomNumbers: RandomNumberGenerator {
    private var drawn: [UInt64] = []

    /// A call's set-up takes a dozen, and one that idles three in five seconds.
    private static let countAtATime = 8

    /// A generator that has drawn nothing yet.
    package init() {}

    /// The next number.
    package func next() -> UInt64 {
        if let number = drawn.popLast() { return number }
        drawn = Self.draw()
        var system = SystemRandomNumberGenerator()
        return drawn.popLast() ?? system.next()
    }

    /// Numbers that nobody has seen; none where the system refuses.
    private static func draw() -> [UInt64] {
        var numbers = [UInt64](repeating: 0, count: countAtATime)
        let status = unsafe numbers.withUnsafeMutableBytes { unsafe getentropy($0.baseAddress, $0.count) }
        return status == 0 ? numbers : []
    }
}
