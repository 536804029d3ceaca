#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif
import Synchronization

/// The system's cryptographic generator, asked for several numbers at a time, as each time is a system call.
///
/// A class, so that no copy hands out the same numbers again. A process that was forked has none of those in hand that its parent has.
@safe
package final class SystemRandomNumbers: RandomNumberGenerator {
    /// As many as the system gives at a time: a call's set-up takes a dozen, and one that idles three in five seconds.
    private static let count = 32

    private let drawn = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: count)
    /// How many of them nobody has seen.
    private var left = 0
    /// In which process they were drawn.
    private var generation = Forks.count

    /// A generator that has drawn nothing yet.
    package init() {}

    deinit { unsafe drawn.deallocate() }

    /// The next number.
    package func next() -> UInt64 {
        if left == 0 || generation != Forks.count { draw() }
        guard left > 0 else {
            // The system refuses to hand out several.
            var system = SystemRandomNumberGenerator()
            return system.next()
        }
        left -= 1
        return unsafe drawn[left]
    }

    private func draw() {
        generation = Forks.count
        let status = unsafe getentropy(drawn.baseAddress, Self.count * MemoryLayout<UInt64>.stride)
        left = status == 0 && Forks.areNoticed ? Self.count : 0
    }
}

/// The forks that this process has come out of.
private enum Forks {
    private static let counter = Atomic(0)

    /// False where the system can't tell of them.
    static let areNoticed = pthread_atfork(nil, nil, { Forks.counter.add(1, ordering: .relaxed) }) == 0

    static var count: Int { counter.load(ordering: .relaxed) }
}
