import ICE

/// Two peers that are actors on one event loop connect and ping each other, in the words of Swift concurrency.
@main
enum AsyncAwait {
    static func main() throws {
        // The main thread belongs to the loop, and to the actors on it; everything else runs on threads of Swift's own.
        let loop = try EventLoop()
        defer { loop.close() }
        let executor = loop.executor
        try loop.run {
            try await call(on: executor)
        }
    }

    private static func call(on executor: LoopExecutor) async throws {
        let caller = Peer("caller", .controlling, on: executor)
        let callee = Peer("callee", .controlled, on: executor)
        let (toCallee, calleesSignals) = (AsyncStream<Signal>.makeStream(), AsyncStream<Signal>.makeStream())
        try await withThrowingTaskGroup { group in
            group.addTask { try await caller.connect(sending: toCallee.continuation, hearing: calleesSignals.stream) }
            group.addTask { try await callee.connect(sending: calleesSignals.continuation, hearing: toCallee.stream) }
            // The first one that fails ends the wait for both.
            try await group.waitForAll()
        }
        print("both have a path")

        async let echoing: Void = callee.echo()
        for number in 1...5 {
            let roundTrip = try await caller.ping("ping \(number)")
            print("caller got ping \(number) back after \((roundTrip.milliseconds * 100).rounded() / 100) ms")
        }
        await caller.hangUp()
        await callee.hangUp()
        try await echoing
    }
}
