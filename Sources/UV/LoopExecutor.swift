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
/// does, or ``EventLoop/run(awaiting:)``. Once the loop is closed, what its actors still have to do is done elsewhere, one after the other.
public final class LoopExecutor: SerialExecutor {
    private struct Work {
        var jobs: [UnownedJob] = []
        var isRunning = false
    }

    private let work = Mutex(Work())
    private let waker: Waker
    // An address, not a reference: it is used on the loop's thread alone, and gone when the loop is closed.
    private let loopAddress: Mutex<UInt?>
    /// Where the work runs; 0 before the loop has run.
    private let thread = Atomic<UInt>(0)

    init(of loop: EventLoop, _ waker: Waker) {
        self.waker = waker
        loopAddress = unsafe Mutex(UInt(bitPattern: Unmanaged.passUnretained(loop).toOpaque()))
    }

    /// The loop, for the actor that this executor runs, which may make things on it.
    ///
    /// It traps on another executor, and where the loop is closed.
    public func loop(isolation: isolated any Actor = #isolation) -> EventLoop {
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
        work.withLock { $0.jobs.append(job) }
        if !waker.execute({ [self] in runJobs() }) { runElsewhere() }
    }

    /// Traps if this is not the loop's thread; Swift calls it.
    public func checkIsolated() {
        precondition(
            thread.load(ordering: .acquiring) == currentThread(), "this is not the thread of the actor's event loop")
    }

    // MARK: Running

    /// The loop runs on the present thread.
    func noteThread() { thread.store(currentThread(), ordering: .releasing) }

    /// The loop takes no work any more: what it dropped is done elsewhere.
    func loopHasClosed() {
        loopAddress.withLock { $0 = nil }
        if work.withLock({ !$0.jobs.isEmpty }) { runElsewhere() }
    }

    private func runElsewhere() {
        Task {
            await Afterlife.shared.run {
                self.runJobs()
                self.thread.store(0, ordering: .releasing)
            }
        }
    }

    /// Runs what has been taken up to now, and what comes meanwhile; whoever does so already does it for all.
    private func runJobs() {
        while let jobs = takeJobs() {
            noteThread()
            for job in jobs { unsafe job.runSynchronously(on: asUnownedSerialExecutor()) }
            work.withLock { $0.isRunning = false }
        }
    }

    private func takeJobs() -> [UnownedJob]? {
        work.withLock { work in
            guard !work.isRunning, !work.jobs.isEmpty else { return nil }
            work.isRunning = true
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

/// What tells threads apart.
private func currentThread() -> UInt {
    #if canImport(Darwin)
        unsafe UInt(bitPattern: pthread_self())
    #else
        UInt(pthread_self())
    #endif
}
