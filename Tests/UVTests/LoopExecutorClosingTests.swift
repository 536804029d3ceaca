import CLibUV
import NetBase
import Synchronization
import Testing

@testable import UV

/// Says when the loop's thread is in the middle of something, to find out who works beside it.
private final class Watch: Sendable {
    private let isBusy = Atomic(false)
    private let overlapCount = Atomic(0)

    var overlaps: Int { overlapCount.load(ordering: .acquiring) }

    /// Is busy for a while: long enough for another thread to come.
    func beBusy() {
        isBusy.store(true, ordering: .releasing)
        passTime(.milliseconds(50))
        isBusy.store(false, ordering: .releasing)
    }

    func look() {
        if isBusy.load(ordering: .acquiring) { overlapCount.add(1, ordering: .releasing) }
    }
}

/// What a closure of the loop holds, and lets go of slowly.
private final class Slow {
    private let watch: Watch

    init(_ watch: Watch) { self.watch = watch }

    deinit { watch.beBusy() }
}

private actor Onlooker {
    private let executor: LoopExecutor
    private let watch: Watch

    init(on executor: LoopExecutor, _ watch: Watch) {
        self.executor = executor
        self.watch = watch
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    func look() { watch.look() }

    func closeLoop() {
        executor.loop().close()
        watch.beBusy()
    }
}

extension UVTests {
    @Suite("Actors on a loop that is closed")
    struct LoopExecutorClosingTests {
        /// Leaves a job of the actor behind that waits for the loop.
        private func begin(_ onlooker: Onlooker, on loop: EventLoop) -> Task<Void, Never> {
            let task = Task.detached { await onlooker.look() }
            let limit = Instant.systemNow + patience
            while !loop.waker.hasWork, Instant.systemNow < limit {}
            #expect(loop.waker.hasWork)
            return task
        }

        private func holdSlowly(_ loop: EventLoop, _ watch: Watch) {
            let slow = Slow(watch)
            let timer = Timer(on: loop) { withExtendedLifetime(slow) {} }
            timer.start(after: .seconds(60))
        }

        @Test("What waits is done when everything on the loop is closed, not beside that")
        func afterClosing() async throws {
            let watch = Watch()
            let task = try await onThread {
                let loop = try EventLoop()
                holdSlowly(loop, watch)
                let task = begin(Onlooker(on: loop.executor, watch), on: loop)
                loop.close()
                return task
            }
            await task.value
            #expect(watch.overlaps == 0)
        }

        @Test("An event that closes the loop is over before the actor goes on elsewhere", arguments: [true, false])
        func afterTheEvent(isOwned: Bool) async throws {
            let watch = Watch()
            let task = try await onThread {
                let host = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
                defer { unsafe host.deallocate() }
                unsafe uv_loop_init(host)
                let loop = try isOwned ? EventLoop() : unsafe EventLoop(adopting: host)
                let onlooker = Onlooker(on: loop.executor, watch)
                var task: Task<Void, Never>?
                let timer = Timer(on: loop) {
                    task = begin(onlooker, on: loop)
                    onlooker.assumeIsolated { $0.closeLoop() }
                }
                timer.start(after: .zero)
                loop.run()
                unsafe uv_run(host, UV_RUN_DEFAULT)
                #expect(unsafe uv_loop_close(host) == 0)
                return try #require(task)
            }
            await task.value
            #expect(watch.overlaps == 0)
        }

        @Test("A job that closes the loop is over before the next one begins")
        func afterTheJob() async throws {
            let watch = Watch()
            let tasks = try await onThread {
                let loop = try EventLoop()
                let onlooker = Onlooker(on: loop.executor, watch)
                let closing = Task.detached { await onlooker.closeLoop() }
                let looking = begin(onlooker, on: loop)
                while !loop.isClosed { loop.run(.once) }
                return [closing, looking]
            }
            for task in tasks { await task.value }
            #expect(watch.overlaps == 0)
        }

        @Test("On the thread of a closed loop nothing leads into its actors any more")
        func noLongerIsolated() async {
            await #expect(processExitsWith: .failure) { try enterActor(afterClosing: true) }
            await #expect(processExitsWith: .success) { try enterActor(afterClosing: false) }
        }
    }
}

private func enterActor(afterClosing: Bool) throws {
    let loop = try EventLoop()
    let onlooker = Onlooker(on: loop.executor, Watch())
    if afterClosing { loop.close() }
    onlooker.assumeIsolated { _ in }
}
