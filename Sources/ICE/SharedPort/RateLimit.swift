import NetBase

/// Lets so many things happen in a second, and as many at once after a quiet one.
struct RateLimit {
    private let perSecond: Int
    private var tokens: Double
    private var filledAt: Instant

    init(perSecond: Int, at now: Instant) {
        self.perSecond = max(1, perSecond)
        tokens = Double(self.perSecond)
        filledAt = now
    }

    mutating func allows(at now: Instant) -> Bool {
        let elapsed = Double((now - filledAt).nanoseconds) / 1e9
        tokens = min(Double(perSecond), tokens + elapsed * Double(perSecond))
        filledAt = now
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
