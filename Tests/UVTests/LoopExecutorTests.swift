import CLibUV
import Foundation
import NetBase
import Testing

@testable import UV

/// An actor on a loop's thread, with a timer there.
private actor Counter {
    private let executor: LoopExecutor
    private(set) var count = 0
    private var timer: UV.Timer?
    private var onRing: CheckedContinuation<Void, Never>?

    init(on executor: LoopExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    func add() { count += 1 }

    func add(after span: Duration) async {
        let timer = Timer(on: executor.loop()) { [unowned self] in
            // An event of the loop, which is no part of the actor's work.
            assumeIsolated { counter in
                counter.count += 1
                counter.onRing?.resume()
            }
        }
        self.timer = timer
        timer.start(after: span)
        await withCheckedContinuation { onRing = $0 }
    }

    func closeLoop() { executor.loop().close() }
}

private struct Fault: Error {}

extension UVTests {
    @Suite("Actors on a loop")
    struct LoopExecutorTests {
        @Test("All of an actor's work is done on the loop's thread, however many call")
        func callers() async throws {
            let count = try await onThread {
                let loop = try EventLoop()
                defer { loop.close() }
                let counter = Counter(on: loop.executor)
                return try loop.run {
                    await withTaskGroup { group in
                        for _ in 0..<1000 { group.addTask { await counter.add() } }
                    }
                    return await counter.count
                }
            }
            #expect(count == 1000)
        }

        @Test("An actor makes things on the loop, whose events lead back into it")
        func events() async throws {
            let count = try await onThread {
                let loop = try EventLoop()
                defer { loop.close() }
                let counter = Counter(on: loop.executor)
                return try loop.run {
                    await counter.add(after: .milliseconds(1))
                    return await counter.count
                }
            }
            #expect(count == 1)
        }

        @Test("What the operation throws is thrown by the run")
        func fault() async throws {
            await #expect(throws: Fault.self) {
                try await onThread {
                    let loop = try EventLoop()
                    defer { loop.close() }
                    try loop.run { throw Fault() }
                }
            }
        }

        @Test("A loop that is closed meanwhile ends the run, and the actor goes on elsewhere")
        func closed() async throws {
            let counter = try await onThread {
                let loop = try EventLoop()
                let counter = Counter(on: loop.executor)
                let error = #expect(throws: NetworkError.self) {
                    try loop.run {
                        await counter.closeLoop()
                        await counter.add()
                        // Never over, unless it is cancelled.
                        while !Task.isCancelled { await Task.yield() }
                    }
                }
                #expect(error?.code == .closed)
                return counter
            }
            for _ in 0..<100 { await counter.add() }
            #expect(await counter.count >= 100)
        }

        @Test("Work that waits when the loop is closed is done all the same")
        func leftOver() async throws {
            let loop = try EventLoop()
            let counter = Counter(on: loop.executor)
            async let addition: Void = counter.add()
            loop.close()
            await addition
            #expect(await counter.count == 1)
        }

        @Test("On a loop that a host runs, events lead back into the actor as well")
        func adopted() async throws {
            let count = try await onThread {
                let host = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
                defer { unsafe host.deallocate() }
                unsafe uv_loop_init(host)
                let loop = try unsafe EventLoop(adopting: host)
                let counter = Counter(on: loop.executor)
                let timer = Timer(on: loop) { counter.assumeIsolated { $0.add() } }
                timer.start(after: .zero)
                while unsafe uv_run(host, UV_RUN_ONCE) != 0 {}
                timer.close()
                let count = counter.assumeIsolated { $0.count }
                loop.close()
                unsafe uv_run(host, UV_RUN_DEFAULT)
                #expect(unsafe uv_loop_close(host) == 0)
                return count
            }
            #expect(count == 1)
        }

        @Test("A loop has one executor, which does not keep it alive")
        func lifetime() throws {
            weak var weakCore: LoopCore?
            var executor: LoopExecutor?
            do {
                let loop = try EventLoop()
                executor = loop.executor
                #expect(executor === loop.executor)
                weakCore = loop.core
                loop.close()
            }
            #expect(weakCore == nil)
            withExtendedLifetime(executor) {}
        }
    }
}
