import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The system's cryptographic generator, asked for several numbers at a time, as each time is a system call.
///
/// A class, so that no copy hands out the same numbers again. A process that `fork` has made has none of those in hand that its parent has.
@safe
package final class SystemRandomNumbers: RandomNumberGenerator {
    /// As many as the system gives at a time: a call's set-up takes a dozen, and one that idles three in five seconds.
    private static let count = 32

    private let drawn = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: count)
    /// How many of them nobody has seen.
    private var left = 0
    /// In which process they were drawn.
    private var generation = Forks.count
    private var isRetired = false

    /// A generator that has drawn nothing yet.
    package init() {}

    deinit { unsafe drawn.deallocate() }

    /// From now on any thread may ask for a number: each is the system's, and nothing is kept.
    func retire() {
        isRetired = true
        left = 0
    }

    /// The next number.
    package func next() -> UInt64 {
        if !isRetired, left == 0 || generation != Forks.count { draw() }
        // The system may refuse to hand out several.
        guard left > 0 else { return systemNumber() }
        left -= 1
        return unsafe drawn[left]
    }

    private func systemNumber() -> UInt64 {
        var system = SystemRandomNumberGenerator()
        return system.next()
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
