/// Wall time since it was made.
public struct Stopwatch {
    private let start = ContinuousClock.now

    /// Starts it.
    public init() {}

    /// What has passed, in seconds.
    public var seconds: Double {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
