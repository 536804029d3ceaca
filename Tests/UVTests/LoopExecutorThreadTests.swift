import CLibUV
import NetBase
import Testing

@testable import UV

private actor Guest {
    private let executor: LoopExecutor
    private(set) var visits = 0

    init(on executor: LoopExecutor) { self.executor = executor }

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe executor.asUnownedSerialExecutor() }

    func visit() { visits += 1 }
    func isAtHome(on executor: LoopExecutor) -> Bool { !executor.loop().isClosed }
}

extension UVTests {
    @Suite("The thread of a loop's actors")
    struct LoopExecutorThreadTests {
        @Test("A loop that is set up on one thread and run by its host on another has the other's")
        func moved() async throws {
            let address = UInt(bitPattern: UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1))
            // The thread of this lives on, so that the other is really another.
            let guest = try setUp(at: address)
            try await onThread {
                let host = try unsafe #require(UnsafeMutablePointer<uv_loop_t>(bitPattern: address))
                unsafe uv_run(host, UV_RUN_DEFAULT)
                #expect(unsafe uv_loop_close(host) == 0)
                unsafe host.deallocate()
            }
            #expect(await guest.visits == 1)
        }

        @Test("Another executor's actor is not given the loop, though the thread is the same")
        func otherExecutor() async {
            await #expect(processExitsWith: .success) { try askForLoop(ofAnother: false) }
            await #expect(processExitsWith: .failure) { try askForLoop(ofAnother: true) }
        }

        @Test("A host's loop is not run inside one of its events")
        func nested() async {
            await #expect(processExitsWith: .success) { try runHost { $0.stop() } }
            await #expect(processExitsWith: .failure) { try runHost { $0.run(.noWait) } }
            await #expect(processExitsWith: .failure) { try runHost { loop in try? loop.run {} } }
        }
    }
}

private func setUp(at address: UInt) throws -> Guest {
    let host = try unsafe #require(UnsafeMutablePointer<uv_loop_t>(bitPattern: address))
    unsafe uv_loop_init(host)
    let loop = try unsafe EventLoop(adopting: host)
    let guest = Guest(on: loop.executor)
    // The closure holds the loop until it is closed.
    let timer = Timer(on: loop) {
        guest.assumeIsolated { $0.visit() }
        loop.close()
    }
    timer.start(after: .zero)
    return guest
}

private func askForLoop(ofAnother: Bool) throws {
    let (mine, others) = try (EventLoop(), EventLoop())
    defer { for loop in [mine, others] { loop.close() } }
    let executor = ofAnother ? others.executor : mine.executor
    let isOpen = Guest(on: mine.executor).assumeIsolated { $0.isAtHome(on: executor) }
    #expect(isOpen)
}

private func runHost(_ event: @escaping (EventLoop) -> Void) throws {
    let host = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
    unsafe uv_loop_init(host)
    let loop = try unsafe EventLoop(adopting: host)
    let timer = Timer(on: loop) { event(loop) }
    timer.start(after: .zero)
    unsafe uv_run(host, UV_RUN_DEFAULT)
}
