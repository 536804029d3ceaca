import NetBase

extension EventLoop {
    /// What runs actors on this loop's thread; the same for as long as the loop lives.
    public var executor: LoopExecutor {
        if let executor = core.executor { return executor }
        let executor = LoopExecutor(of: self, waker)
        core.take(executor)
        return executor
    }

    /// Runs the loop on this thread until an asynchronous operation is over, and returns what came of it; a program's `main` as a rule.
    ///
    /// ```swift
    /// let loop = try EventLoop()
    /// let sum = try loop.run {
    ///     async let one = 1
    ///     async let two = 2
    ///     return await one + two
    /// }
    /// print(sum)
    /// ```
    ///
    /// The thread is blocked meanwhile. Call it on the main thread or on one of the loop's own, but not on one of Swift concurrency's: not in
    /// an `async` function, that is. On the main thread nothing of `@MainActor` runs before it returns, so the operation must not wait for
    /// that there. Inside one of the loop's events it traps. Where the loop is closed before, the operation is cancelled.
    ///
    /// - Throws: What the operation throws; ``NetworkError`` with code `closed` where the loop is closed before it is over.
    public func run<Success: Sendable>(
        awaiting operation: @escaping @Sendable () async throws -> Success
    ) throws -> Success {
        var result: Result<Success, any Error>?
        let mailbox = try Mailbox<Result<Success, any Error>>(on: self) { result = $0 }
        core.requireNoEvent()
        let sender = mailbox.sender
        let task = Task {
            do {
                sender.send(.success(try await operation()))
            } catch {
                sender.send(.failure(error))
            }
        }
        while result == nil, !isClosed { run(.once) }
        mailbox.close()
        guard let result else {
            task.cancel()
            throw NetworkError.closed("run an operation")
        }
        return try result.get()
    }
}
