import NetBase

/// The time that a server keeps something for us, and when to ask for more.
struct Lease: Hashable, Sendable {
    /// When the server forgets it, at the earliest.
    var expiry: Instant

    /// When a refresh has to be asked for; nil once that was reported.
    var refreshDue: Instant?

    /// Counted from the first transmission of the request: the server's own count cannot have begun before.
    init(requestedAt: Instant, lifetime: Duration) {
        expiry = requestedAt + lifetime
        refreshDue = requestedAt + Self.refreshInterval
    }

    /// A fifth before permissions expire. Channels, which live longer, keep the same rhythm, because ChannelBind refreshes the peer's
    /// permission as well.
    static let refreshInterval = Duration.seconds(240)

    /// When something is to be done next.
    var deadline: Instant { refreshDue.map { min($0, expiry) } ?? expiry }
}
