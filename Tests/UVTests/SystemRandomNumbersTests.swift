import Dispatch
import Synchronization
import Testing

@testable import UV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("The system's random numbers")
struct SystemRandomNumbersTests {
    @Test("No number is handed out twice, neither by one generator nor by two")
    func noRepetition() {
        let (first, second) = (SystemRandomNumbers(), SystemRandomNumbers())
        // Of 2^64 none comes twice by chance.
        let numbers = (0..<100).flatMap { _ in [first.next(), second.next()] as [UInt64] }
        #expect(Set(numbers).count == 200)
        #expect(!numbers.contains(0))
    }

    @Test("A process that was forked has none of the numbers that its parent has")
    func forks() throws {
        // Swift has fork hidden: what a child may do is little, and this one does no more.
        guard let address = unsafe dlsym(dlopen(nil, RTLD_NOW), "fork") else {
            Issue.record("the system has no fork")
            return
        }
        let fork = unsafe unsafeBitCast(address, to: (@convention(c) () -> Int32).self)
        let numbers = SystemRandomNumbers()
        _ = numbers.next()
        var pipes: [Int32] = [0, 0]
        let status = unsafe pipe(&pipes)
        try #require(status == 0)
        let child = fork()
        var theirs: UInt64 = 0
        if child == 0 {
            theirs = numbers.next()
            let count = unsafe write(pipes[1], &theirs, 8)
            _exit(count == 8 ? 0 : 1)
        }
        try #require(child > 0)
        close(pipes[1])
        defer { close(pipes[0]) }
        let count = unsafe read(pipes[0], &theirs, 8)
        #expect(count == 8)
        let ended = waitpid(child, nil, 0)
        #expect(ended == child)
        let ours = (0..<32).map { _ in numbers.next() }
        #expect(!ours.contains(theirs))
    }

    @Test("Once a loop is closed any thread may draw of its numbers, and none comes twice")
    func closedLoop() throws {
        let loop = try EventLoop()
        _ = loop.randomNumbers.next()
        loop.close()
        nonisolated(unsafe) let numbers = loop.randomNumbers
        let drawn = Mutex<[UInt64]>([])
        DispatchQueue.concurrentPerform(iterations: 4) { _ in
            let own = (0..<20_000).map { _ in unsafe numbers.next() }
            drawn.withLock { $0 += own }
        }
        let all = drawn.withLock { $0 }
        #expect(Set(all).count == 80_000)
    }

    @Test("A copy goes on where the other one is")
    func copies() {
        var first: any RandomNumberGenerator = SystemRandomNumbers()
        _ = first.next()
        var second = first
        #expect(first.next() != second.next())
    }
}
