import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs an actor on the thread of an event loop, so that the actor owns what lives there and others await its methods.
///
/// ```swift
/// actor Caller {
///     private let executor: LoopExecutor
///     private var timer: ICE.Timer?
///
///     init(on executor: LoopExecutor) { self.executor = executor }
///
///     nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
///
///     func ring(every interval: Duration) {
///         timer = Timer(on: executor.loop()) { print("ring") }
///         timer?.start(after: interval, repeating: interval)
///     }
/// }
/// ```
///
/// Get it from ``EventLoop/executor``. The actor has to hold it. Closures of what lives on the loop are called on its thread too, where
/// `assumeIsolated` leads back into the actor without a wait. Waiting work does not keep `run()` from returning: something open on the loop
/// does, or ``EventLoop/run(awaiting:)``. An actor that always has more to do shares the thread with the loop: sockets and timers have their
/// turn at each `await Task.yield()`, and wherever else it has to wait. A call of another actor on the same loop is no wait.
///
/// Once the loop is closed, what its actors still have to do is done elsewhere, one after the other; if it is closed inside an event, from
/// the end of that event on. From there on `assumeIsolated` traps on the loop's thread. Do not call ``EventLoop/close()`` inside
/// `assumeIsolated` where no event is being handled: what follows it in the closure is not the actor's any more.
public final class LoopExecutor: SerialExecutor {
    private struct Work {
        var jobs: [UnownedJob] = []
        /// Somebody is on the way to run the jobs.
        var isAwaited = false
        /// The loop's thread is done with its actors.
        var hasClosed = false
    }

    private enum Runner {
        case loop
        case elsewhere
    }

    private let work = Mutex(Work())
    private let waker: Waker
    // An address, not a reference: it is used on the loop's thread alone, and gone when the loop is closed.
    private let loopAddress: Mutex<UInt?>
    /// Where the work runs; 0 once the loop is closed, but while something is done elsewhere.
    private let thread = Atomic<UInt>(0)

    init(of loop: EventLoop, _ waker: Waker) {
        self.waker = waker
        loopAddress = unsafe Mutex(UInt(bitPattern: Unmanaged.passUnretained(loop).toOpaque()))
    }

    /// The loop, for the actor that this executor runs, which may make things on it.
    ///
    /// It traps for an actor on another executor, and where the loop is closed.
    public func loop(isolation: isolated any Actor = #isolation) -> EventLoop {
        precondition(
            unsafe identity(of: isolation.unownedExecutor) == identity(of: asUnownedSerialExecutor()),
            "the actor does not run on this event loop: its unownedExecutor has to be that of the loop's executor")
        checkIsolated()
        guard let address = loopAddress.withLock({ $0 }), let pointer = unsafe UnsafeRawPointer(bitPattern: address)
        else {
            preconditionFailure("the event loop of this executor is closed")
        }
        return unsafe Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }

    // MARK: What Swift asks of an executor

    /// Takes a part of an actor's work; Swift calls it.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let runner = work.withLock { work -> Runner? in
            work.jobs.append(job)
            guard !work.isAwaited else { return nil }
            work.isAwaited = true
            return work.hasClosed ? .elsewhere : .loop
        }
        switch runner {
        // A loop that is just closing refuses it, and what it refuses waits for the end of that.
        case .loop: waker.execute { [self] in runJobs() }
        case .elsewhere: runElsewhere()
        case nil: break
        }
    }

    /// Traps if this is not the loop's thread; Swift calls it.
    public func checkIsolated() {
        precondition(
            thread.load(ordering: .acquiring) == currentThread(), "this is not the thread of the actor's event loop")
    }

    // MARK: Running

    /// The loop runs on the present thread.
    func noteThread() { thread.store(currentThread(), ordering: .releasing) }

    /// The loop is not to be asked for any more. Its thread still is where the work runs.
    func loopCloses() { loopAddress.withLock { $0 = nil } }

    /// The loop's thread is done with closing, and with the event in which that was: what is left is done elsewhere.
    func loopHasClosed() {
        guard work.withLock({ !$0.hasClosed }) else { return }
        thread.store(0, ordering: .releasing)
        let isWorkLeft = work.withLock { work in
            work.hasClosed = true
            work.isAwaited = !work.jobs.isEmpty
            return work.isAwaited
        }
        if isWorkLeft { runElsewhere() }
    }

    private func runElsewhere() {
        Task {
            await Afterlife.shared.run {
                self.noteThread()
                self.runJobs()
                self.thread.store(0, ordering: .releasing)
            }
        }
    }

    /// Runs what has been taken up to now. What comes meanwhile, from these jobs as well, has to wait for the next time: others on the
    /// thread have their turn before.
    private func runJobs() {
        for job in takeJobs() { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    private func takeJobs() -> [UnownedJob] {
        work.withLock { work in
            work.isAwaited = false
            defer { work.jobs = [] }
            return work.jobs
        }
    }
}

/// Where actors go on whose loop is closed.
private actor Afterlife {
    static let shared = Afterlife()

    func run(_ work: @Sendable () -> Void) { work() }
}

/// What tells executors apart: Swift compares them by the first of the two words of this frozen struct, but not in public.
private func identity(of executor: UnownedSerialExecutor) -> UInt {
    unsafe withUnsafeBytes(of: executor) { unsafe $0.load(as: UInt.self) }
}

/// What tells threads apart.
private func currentThread() -> UInt {
    #if canImport(Darwin)
        unsafe UInt(bitPattern: pthread_self())
    #else
        UInt(pthread_self())
    #endif
}
