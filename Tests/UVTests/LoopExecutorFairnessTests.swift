import CLibUV
import NetBase
import Testing

@testable import UV

/// An actor that never has nothing to do.
private actor Busy {
    private let executor: LoopExecutor
    private var timer: UV.Timer?
    private var hasRung = false

    init(on executor: LoopExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    /// Goes on until the loop's timer rings; false where the timer never got its turn.
    func work() async -> Bool {
        let timer = Timer(on: executor.loop()) { [unowned self] in assumeIsolated { $0.hasRung = true } }
        self.timer = timer
        timer.start(after: .milliseconds(1))
        let limit = Instant.systemNow + .seconds(3)
        while !hasRung, Instant.systemNow < limit { await Task.yield() }
        timer.close()
        return hasRung
    }
}

extension UVTests {
    @Suite("A loop's turn between those of its actors")
    struct LoopExecutorFairnessTests {
        @Test("Actors that are never done leave the loop its turns", arguments: [1, 20])
        func turns(count: Int) async throws {
            let rang = try await onThread {
                let loop = try EventLoop()
                defer { loop.close() }
                let executor = loop.executor
                return try loop.run {
                    await withTaskGroup { group in
                        for _ in 0..<count {
                            let busy = Busy(on: executor)
                            group.addTask { await busy.work() }
                        }
                        return await group.reduce(true) { $0 && $1 }
                    }
                }
            }
            #expect(rang)
        }

        @Test("A closed loop's actor that is never done leaves others theirs")
        func elsewhere() async throws {
            func closedExecutor() throws -> LoopExecutor {
                let loop = try EventLoop()
                defer { loop.close() }
                return loop.executor
            }
            let (busy, other) = try (Waiting(on: closedExecutor()), Waiting(on: closedExecutor()))
            async let isDone = busy.waitUntilDone()
            await other.finish(busy)
            #expect(await isDone)
        }
    }
}

private actor Waiting {
    private let executor: LoopExecutor
    private var isDone = false

    init(on executor: LoopExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    func waitUntilDone() async -> Bool {
        let limit = Instant.systemNow + .seconds(3)
        while !isDone, Instant.systemNow < limit { await Task.yield() }
        return isDone
    }

    func end() { isDone = true }

    func finish(_ other: Waiting) async { await other.end() }
}
