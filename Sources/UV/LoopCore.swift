import CLibUV
import NetBase

/// What a loop and everything on it share: the `uv_loop_t`, the clock of the turn, queued work, and the list of what is open.
///
/// Handles hold the core, not the `EventLoop`, so that a loop that is let go can close them all.
@safe
final class LoopCore {
    let loop: UnsafeMutablePointer<uv_loop_t>
    let waker = Waker()
    /// What runs actors here, once somebody has asked for it.
    private(set) var executor: LoopExecutor?
    private(set) var isOpen = true
    /// Closing is over as well.
    private var hasClosed = false
    private var isRunning = false
    private var wasStopped = false

    /// The open handles of this library; on an adopted loop the host has others.
    var handles: Set<UnsafeMutablePointer<uv_handle_t>> = unsafe []
    var openHandleCount: Int { unsafe handles.count }
    var lookups: [ObjectIdentifier: NameLookup] = [:]

    /// Where every socket of the loop receives: libuv fills it and calls back before it asks for the next one.
    let receiveBuffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 1 << 16)

    /// Where every UDP socket of the loop receives, in slots, each of which may hold several datagrams that the kernel has put together.
    private(set) lazy var datagramBuffer = DatagramBuffer()

    /// The buffer sizes of a new UDP socket, in bytes, once one was asked for them.
    var givenBuffers: (receive: Int, send: Int)?

    private let isOwned: Bool
    private let async: UnsafeMutablePointer<uv_async_t>
    private let idle: UnsafeMutablePointer<uv_idle_t>
    private let bound: UnsafeMutablePointer<uv_timer_t>
    private var queue: [Work] = []
    /// Whether there is something to do before the loop may sleep.
    var hasQueuedWork: Bool { !queue.isEmpty }
    /// What the queue was before, with its room.
    private var spareQueue: [Work] = []
    private var turnDepth = 0
    private var turnTime: Instant?

    /// An array of bare closures would allocate a wrapper for each.
    private struct Work {
        let body: () -> Void
    }

    init(adopting loop: UnsafeMutablePointer<uv_loop_t>, isOwned: Bool) throws(NetworkError) {
        unsafe async = .allocate(capacity: 1)
        let status = unsafe uv_async_init(loop, async) { handle in
            guard let handle = unsafe handle else { return }
            unsafe uv_unref(UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self))
            unsafe LoopCore.from(handle.pointee.data).runExecutedWork()
        }
        guard status == 0 else {
            unsafe async.deallocate()
            unsafe receiveBuffer.deallocate()
            throw NetworkError(status: status, "open event loop")
        }
        unsafe idle = .allocate(capacity: 1)
        unsafe bound = .allocate(capacity: 1)
        unsafe self.loop = unsafe loop
        self.isOwned = isOwned
        unsafe uv_idle_init(loop, idle)
        unsafe uv_timer_init(loop, bound)
        unsafe async.pointee.data = Unmanaged.passRetained(self).toOpaque()
        unsafe idle.pointee.data = Unmanaged.passRetained(self).toOpaque()
        unsafe bound.pointee.data = Unmanaged.passRetained(self).toOpaque()
        unsafe uv_unref(asHandle(async))
        unsafe waker.open(async)
    }

    deinit {
        unsafe receiveBuffer.deallocate()
    }

    private static func from(_ data: UnsafeMutableRawPointer?) -> LoopCore {
        unsafe owner(LoopCore.self, of: data)
    }
}

// MARK: - Time

extension LoopCore {
    /// Stands still while one event is handled; see ``EventLoop/now``.
    var now: Instant {
        guard turnDepth > 0 else { return .systemNow }
        if let turnTime { return turnTime }
        let now = Instant.systemNow
        turnTime = now
        return now
    }

    /// Handles one event.
    func turn(_ body: () -> Void) {
        // A host may run its loop on another thread than the one that it was adopted on.
        if isOpen { executor?.noteThread() }
        turnDepth += 1
        turnTime = nil
        body()
        turnDepth -= 1
        turnTime = nil
        if hasClosed { letActorsGo() }
    }
}

// MARK: - Work

extension LoopCore {
    func enqueue(_ work: @escaping () -> Void) {
        guard isOpen else { return }
        queue.append(Work(body: work))
        // An active idle handle makes libuv poll without waiting. It is stopped again before the work runs, so that it
        // costs a turn only where there is something to do, and one started by the work itself waits for the next turn.
        guard queue.count == 1 else { return }
        unsafe uv_idle_start(idle) { handle in
            guard let handle = unsafe handle else { return }
            unsafe LoopCore.from(handle.pointee.data).runQueue()
        }
    }

    private func runQueue() {
        unsafe uv_idle_stop(idle)
        var batch = spareQueue
        spareQueue = []
        swap(&batch, &queue)
        for work in batch where isOpen { turn(work.body) }
        batch.removeAll(keepingCapacity: batch.capacity <= Self.keptRoom)
        spareQueue = batch
    }

    private static let keptRoom = 1024

    private func runExecutedWork() {
        for work in waker.takeWork() where isOpen { turn(work) }
    }
}

// MARK: - Receiving

extension LoopCore {
    func lendReceiveBuffer(_ buffer: UnsafeMutablePointer<uv_buf_t>) {
        unsafe buffer.pointee = unsafe uv_buf_init(receiveBuffer.baseAddress, UInt32(receiveBuffer.count))
    }
}

// MARK: - Running

extension LoopCore {
    func run(_ mode: uv_run_mode) -> Bool {
        guard isOpen else { return false }
        requireNoEvent()
        isRunning = true
        executor?.noteThread()
        if waker.hasWork { unsafe uv_ref(asHandle(async)) }
        let isAlive = unsafe uv_run(loop, mode) != 0
        isRunning = false
        guard isOpen else {
            if isOwned { drain() }
            return false
        }
        return isAlive
    }

    /// libuv's loops are not run inside themselves.
    func requireNoEvent() {
        precondition(
            !isRunning && turnDepth == 0, "an event loop cannot be run from inside one of its own events")
    }

    /// Runs until the condition holds or a time has passed or the loop was stopped or closed; whether the condition holds.
    func run(until condition: () -> Bool, deadline: Instant) -> Bool {
        guard isOpen else { return condition() }
        // The loop sleeps until something happens; this timer is what happens last.
        unsafe uv_timer_start(bound, { _ in }, deadline.timeout(on: loop), 0)
        wasStopped = false
        while !condition() {
            guard isOpen, !wasStopped, Instant.systemNow < deadline else { break }
            _ = run(UV_RUN_ONCE)
        }
        if isOpen { unsafe uv_timer_stop(bound) }
        return condition()
    }
}

// MARK: - Standing beside another loop

extension LoopCore {
    func stop() {
        guard isOpen else { return }
        wasStopped = true
        unsafe uv_stop(loop)
    }

    func updateTime() {
        if isOpen { unsafe uv_update_time(loop) }
    }

    var backendFileDescriptor: Int32? {
        guard isOpen else { return nil }
        let descriptor = unsafe uv_backend_fd(loop)
        return descriptor < 0 ? nil : descriptor
    }

    var backendTimeout: Duration? {
        guard isOpen else { return nil }
        unsafe uv_update_time(loop)
        let milliseconds = unsafe uv_backend_timeout(loop)
        return milliseconds < 0 ? nil : .milliseconds(Int64(milliseconds))
    }
}

// MARK: - Closing

extension LoopCore {
    /// Closes what is ours; an owned loop is also turned until the last close callback has run, and freed.
    func close() {
        guard isOpen else { return }
        isOpen = false
        waker.close()
        executor?.loopCloses()
        let dropped = queue
        queue = []
        withExtendedLifetime(dropped) {}
        for lookup in lookups.values { lookup.cancel() }
        unsafe uv_walk(
            loop,
            { handle, context in
                guard let handle = unsafe handle else { return }
                let core = unsafe LoopCore.from(context)
                guard unsafe core.handles.contains(handle) else { return }
                unsafe owner(Handle.self, of: handle.pointee.data).close()
            }, Unmanaged.passUnretained(self).toOpaque())
        unsafe closeAndFree(asHandle(async))
        unsafe closeAndFree(asHandle(idle))
        unsafe closeAndFree(asHandle(bound))
        guard isOwned else { return closingIsOver() }
        if isRunning { unsafe uv_stop(loop) } else { drain() }
    }

    private func drain() {
        while unsafe uv_run(loop, UV_RUN_DEFAULT) != 0 {}
        let status = unsafe uv_loop_close(loop)
        precondition(status == 0, "an event loop was closed with something left open on it")
        unsafe loop.deallocate()
        closingIsOver()
    }

    private func closingIsOver() {
        hasClosed = true
        letActorsGo()
    }
}

// MARK: - Actors

extension LoopCore {
    func take(_ executor: LoopExecutor) {
        self.executor = executor
        // Who has the loop is on its thread, or hands it over to the one that runs it.
        executor.noteThread()
        guard !isOpen else { return }
        executor.loopCloses()
        if hasClosed { letActorsGo() }
    }

    /// Their work may be done elsewhere once nothing is closed or handled on this thread any more.
    private func letActorsGo() {
        if turnDepth == 0 { executor?.loopHasClosed() }
    }
}
