import NetBase

/// The time that a server keeps something for us, and when to ask for more.
struct Lease: Hashable, Sendable {
    /// When the server forgets it, at the earliest.
    var expiry: Instant

    /// When a refresh has to be asked for; nil once that was reported.
    var refreshDue: Instant?

    /// Counted from the first transmission of the request: the server's own count cannot have begun before.
    init(requestedAt: Instant, lifetime: Duration, refreshAfter interval: Duration) {
        expiry = requestedAt + lifetime
        refreshDue = requestedAt + interval
    }

    /// When something is to be done next.
    var deadline: Instant { refreshDue.map { min($0, expiry) } ?? expiry }
}
