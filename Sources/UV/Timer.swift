import CLibUV
import NetBase

/// A timer on a loop: fires once, or again and again, and never before its time.
///
/// ```swift
/// let timer = Timer(on: loop) { print("tick") }
/// timer.start(after: .milliseconds(20), repeating: .milliseconds(20))
/// ```
///
/// It fires at most about a millisecond late when the loop is idle. It can be started and stopped as often as one likes, also
/// from inside ``onFire``; starting replaces the earlier setting.
public final class Timer: Handle {
    /// Called each time the timer fires.
    public var onFire: (() -> Void)?

    private var instant: Instant?
    private var interval: Duration?

    /// A timer that is not started yet; on a closed loop it is closed from the start.
    public init(on loop: EventLoop, onFire: (() -> Void)? = nil) {
        let memory = try? unsafe loop.core.open(
            uv_timer_t.self, initialize: { unsafe uv_timer_init($0, $1) }, operation: "open timer")
        self.onFire = onFire
        unsafe super.init(loop.core, memory)
    }

    /// When it fires next; nil while it is stopped.
    public var nextFire: Instant? { instant }

    /// Fires after a time, counted from now on the clock and not from the beginning of the event; then at intervals, of a
    /// millisecond or more, if one is given.
    public func start(after delay: Duration, repeating interval: Duration? = nil) {
        start(at: .systemNow + delay, repeating: interval)
    }

    /// Fires at an instant of ``EventLoop/now``'s clock, or on the next turn if that has passed; then at intervals, of a
    /// millisecond or more, if one is given. Intervals that were missed are left out.
    public func start(at instant: Instant, repeating interval: Duration? = nil) {
        guard !isClosed else { return }
        self.instant = instant
        self.interval = interval.map { max($0, .milliseconds(1)) }
        arm()
    }

    /// Takes the setting back.
    public func stop() {
        instant = nil
        interval = nil
        guard let handle = unsafe handle(as: uv_timer_t.self) else { return }
        unsafe uv_timer_stop(handle)
    }

    override func dropClosures() {
        instant = nil
        interval = nil
        let dropped = onFire
        onFire = nil
        withExtendedLifetime(dropped) {}
    }

    private func arm() {
        guard let instant, let handle = unsafe handle(as: uv_timer_t.self) else { return }
        let timeout = unsafe instant.timeout(on: core.loop)
        guard timeout > 0 else {
            // libuv runs timers that are due until none is: one that sets itself for now each time would shut out all else.
            unsafe uv_timer_stop(handle)
            core.enqueue { [weak self] in self?.fire() }
            return
        }
        let fired: uv_timer_cb = { handle in
            guard let handle = unsafe handle else { return }
            let timer = unsafe owner(Timer.self, of: handle.pointee.data)
            timer.core.turn { timer.fire() }
        }
        unsafe uv_timer_start(handle, fired, timeout, 0)
    }

    private func fire() {
        // What was enqueued for an earlier setting finds it taken back, or not due.
        let now = core.now
        guard let due = instant, due <= now else { return }
        if let interval {
            let missed = (now - due).nanoseconds / interval.nanoseconds
            instant = due + interval * (missed + 1)
            arm()
        } else {
            stop()
        }
        onFire?()
    }
}
