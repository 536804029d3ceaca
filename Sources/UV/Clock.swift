import CLibUV
import NetBase

extension Instant {
    /// The time on the clock that libuv's own timers run by, to the nanosecond.
    static var systemNow: Instant { Instant(nanoseconds: Int64(clamping: uv_hrtime())) }

    /// Milliseconds since the clock's origin, rounded up.
    private var ceilingMilliseconds: UInt64 {
        let (quotient, remainder) = UInt64(max(0, nanoseconds)).quotientAndRemainder(dividingBy: 1_000_000)
        return quotient + (remainder == 0 ? 0 : 1)
    }

    /// The timeout for `uv_timer_start` that fires at this instant or less than a millisecond after, never before.
    ///
    /// libuv keeps time in whole milliseconds, always rounded down, on some systems from a clock that itself lags; this end is
    /// rounded up: once the loop's time has reached it, the instant has passed. The loop's time is a cache that is old inside
    /// a long callback, and libuv would sleep that much too long if it were not brought up to date.
    func timeout(on loop: UnsafeMutablePointer<uv_loop_t>) -> UInt64 {
        unsafe uv_update_time(loop)
        let now = unsafe uv_now(loop)
        return ceilingMilliseconds > now ? ceilingMilliseconds - now : 0
    }
}
