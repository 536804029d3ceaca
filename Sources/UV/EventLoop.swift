public import CLibUV
public import NetBase

/// A libuv event loop: what timers, sockets and look-ups live on, and what calls their closures.
///
/// ```swift
/// let loop = try EventLoop()
/// let timer = Timer(on: loop) { print("a second has passed") }
/// timer.start(after: .seconds(1))
/// loop.run()
/// ```
///
/// The loop and everything on it belong to one thread, which the compiler enforces: none of it is `Sendable`. Other threads
/// reach it through its ``waker``.
///
/// Letting go of a loop closes it and all that is on it. A closure of an open handle that itself owns the loop keeps both, so
/// capture the loop weakly there, or end with ``close()``.
@safe
public final class EventLoop {
    /// How long a call of ``run(_:)`` goes on.
    public enum RunMode: Sendable {
        /// Until nothing is open or active any more, or until ``stop()``.
        case `default`
        /// For one turn, which waits for an event if none is there.
        case once
        /// For one turn that does not wait.
        case noWait
    }

    let core: LoopCore

    /// What all clients on the loop share, and own.
    package weak var sharedResponder: AnyObject?

    var interfaces = RecentInterfaces()
    var alarmClock: AlarmClock?

    /// The random numbers of all that is on the loop.
    package let randomNumbers = SystemRandomNumbers()

    /// Makes a loop of its own; fails when the process is out of descriptors or memory.
    public init() throws(NetworkError) {
        let loop = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
        let status = unsafe uv_loop_init(loop)
        guard status == 0 else {
            unsafe loop.deallocate()
            throw NetworkError(status: status, "open event loop")
        }
        do {
            core = try unsafe LoopCore(adopting: loop, isOwned: true)
        } catch {
            unsafe uv_loop_close(loop)
            unsafe loop.deallocate()
            throw error
        }
    }

    /// Works on a loop that the host program made and runs; call it on that loop's thread.
    ///
    /// The loop stays the host's: ``close()`` closes only what was opened through this object, and the host has to turn its
    /// loop once more after that (`uv_run`) before its own `uv_loop_close` succeeds.
    public init(adopting loop: UnsafeMutablePointer<uv_loop_t>) throws(NetworkError) {
        core = try unsafe LoopCore(adopting: loop, isOwned: false)
    }

    deinit { close() }

    /// The time on the system's monotonic clock, in nanoseconds.
    ///
    /// It is read from the clock, not from libuv's millisecond cache, but once per event at most: while a closure of this
    /// loop runs it stands still. Outside of one it moves.
    public var now: Instant { core.now }

    /// What other threads hand work to this loop with.
    public var waker: Waker { core.waker }

    /// Runs the loop and calls the closures of what happens; false when nothing is open or active any more.
    @discardableResult
    public func run(_ mode: RunMode = .default) -> Bool {
        switch mode {
        case .default: core.run(UV_RUN_DEFAULT)
        case .once: core.run(UV_RUN_ONCE)
        case .noWait: core.run(UV_RUN_NOWAIT)
        }
    }

    /// Runs the loop until a condition holds, and returns whether it does; a test's way to wait.
    ///
    /// It gives up after a time, on ``stop()`` and on ``close()``. The condition is looked at after every turn, and the loop
    /// sleeps between turns.
    public func run(until condition: () -> Bool, atMost limit: Duration) -> Bool {
        core.run(until: condition, deadline: .systemNow + limit)
    }

    /// Makes ``run(_:)`` return after the turn it is in.
    public func stop() { core.stop() }

    /// Runs the work on a later turn, in the order of the calls and never inside this one.
    ///
    /// The turn comes at once, with a look at the sockets between two of them. Work keeps the loop alive; what is left when
    /// the loop closes is dropped.
    public func enqueue(_ work: @escaping () -> Void) { core.enqueue(work) }

    /// Runs the work on this loop's thread from any other; ``Waker/execute(_:)`` of ``waker``.
    @discardableResult
    public func execute(_ work: @escaping @Sendable () -> Void) -> Bool { core.waker.execute(work) }

    /// Brings libuv's cached time up to date, for a host whose own timers run on the loop; timers here do it by themselves.
    public func updateTime() { core.updateTime() }

    /// What another loop polls to learn that this one has something to do, to call ``run(_:)`` with `.noWait` then; nil once
    /// closed, and where libuv has no such descriptor.
    public var backendFileDescriptor: Int32? { core.backendFileDescriptor }

    /// How long that other loop may wait before it calls ``run(_:)`` in any case; nil for as long as it likes.
    public var backendTimeout: Duration? { core.backendTimeout }

    /// Whether ``close()`` was called.
    public var isClosed: Bool { !core.isOpen }

    /// Closes the loop and every handle on it and drops what was queued; no event comes after this.
    ///
    /// From inside an event, ``run(_:)`` returns right after. A look-up that the system is in the middle of cannot be broken
    /// off: closing a loop of its own waits for its end.
    public func close() {
        alarmClock?.close()
        // What belongs to actors goes on elsewhere, beside what this thread still has.
        randomNumbers.retire()
        core.close()
    }
}
