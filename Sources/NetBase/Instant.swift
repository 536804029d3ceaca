/// A point on a monotonic clock, in nanoseconds since an origin that only the clock knows.
///
/// Cores never read a clock: time is a parameter. On a real loop it comes from the operating system's monotonic clock, on the
/// simulated network from its virtual one.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the clock's origin.
    public let nanoseconds: Int64

    /// An instant that many nanoseconds after the clock's origin.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Orders instants by time.
    public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }

    /// The instant that lies a duration later; durations beyond 292 years saturate.
    public static func + (instant: Instant, duration: Duration) -> Instant {
        let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return Instant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    /// The instant that lies a duration earlier.
    public static func - (instant: Instant, duration: Duration) -> Instant {
        let (difference, overflow) = instant.nanoseconds.subtractingReportingOverflow(duration.nanoseconds)
        return Instant(nanoseconds: overflow ? (duration < .zero ? .max : .min) : difference)
    }

    /// The time from one instant to a later one; negative if it is earlier.
    public static func - (later: Instant, earlier: Instant) -> Duration {
        Duration(attoseconds: Int128(later.nanoseconds - earlier.nanoseconds) * Duration.attosecondsInNanosecond)
    }

    /// Moves the instant.
    public static func += (instant: inout Instant, duration: Duration) { instant = instant + duration }
}

extension Instant: CustomStringConvertible {
    /// Seconds since the clock's origin, to the millisecond.
    public var description: String {
        let milliseconds = nanoseconds / 1_000_000
        let fraction = String(abs(milliseconds % 1000))
        return "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }
}

extension Duration {
    /// Whole nanoseconds, rounded towards zero; saturates beyond 292 years.
    public var nanoseconds: Int64 { Int64(clamping: attoseconds / Self.attosecondsInNanosecond) }

    fileprivate static var attosecondsInNanosecond: Int128 { 1_000_000_000 }

    // The standard library's are generic over all integers, and take some five hundred instructions.

    /// A multiple.
    package static func * (duration: Duration, factor: Int) -> Duration {
        Duration(attoseconds: duration.attoseconds * Int128(factor))
    }

    /// A part, rounded towards zero.
    package static func / (duration: Duration, divisor: Int) -> Duration {
        Duration(attoseconds: duration.attoseconds / Int128(divisor))
    }

    /// Milliseconds, with their fraction.
    public var milliseconds: Double { Double(nanoseconds) / 1e6 }
}
