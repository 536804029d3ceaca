import Testing

@testable import UV

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension SystemRandomNumbers {
    fileprivate func next(_ count: Int) -> [UInt64] { (0..<count).map { _ in next() } }
}

/// Has the random numbers of its loop.
private actor Drawer {
    static let count = 100_000

    private let executor: LoopExecutor
    private var numbers: SystemRandomNumbers?

    init(on executor: LoopExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    func begin() { numbers = executor.loop().randomNumbers }

    func draw() -> [UInt64] { numbers?.next(Self.count) ?? [] }
}

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

    @Test("Once a loop is closed its actors draw its numbers beside the thread that had it, and none comes twice")
    func closedLoop() async throws {
        let (ours, task) = try await onThread {
            let loop = try EventLoop()
            let numbers = loop.randomNumbers
            let drawer = Drawer(on: loop.executor)
            try loop.run { await drawer.begin() }
            let task = Task.detached { await drawer.draw() }
            loop.close()
            return (numbers.next(Drawer.count), task)
        }
        let all = ours + (await task.value)
        #expect(Set(all).count == 2 * Drawer.count)
    }

    @Test("A copy goes on where the other one is")
    func copies() {
        var first: any RandomNumberGenerator = SystemRandomNumbers()
        _ = first.next()
        var second = first
        #expect(first.next() != second.next())
    }
}
