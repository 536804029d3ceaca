/// The time from a request to the one that refreshes what it brought: drawn anew each time, so that what began at one moment, as after
/// a server's or a network's failure, does not ask the server in step for ever.
///
/// RFC 8656 §8 leaves the client free to refresh earlier than it has to.
package enum RefreshInterval {
    /// Permissions are refreshed a fifth of their time before they expire, at the latest. Channels, which live longer, keep the same
    /// rhythm, because ChannelBind refreshes the peer's permission as well.
    package static let longestOfPeers = Duration.seconds(240)

    /// For permissions and channels: 180 to 240 s.
    static func ofPeers(using generator: inout some RandomNumberGenerator) -> Duration {
        draw(atMost: longestOfPeers, using: &generator)
    }

    /// For an allocation: one to two minutes before it expires where it lives for 300 s or longer, within a shorter span where it does not.
    ///
    /// "It is suggested that the client refresh the allocation roughly 1 minute before it expires" (RFC 8656 §8); half way where that
    /// would be more than half.
    static func ofAllocation(
        living lifetime: Duration, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let longest = lifetime < .seconds(120) ? lifetime / 2 : lifetime - .seconds(60)
        return draw(atMost: longest, using: &generator)
    }

    /// Up to a quarter less, and a minute less at most.
    private static func draw(
        atMost longest: Duration, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        longest - min(longest / 4, .seconds(60)) * Double.random(in: 0...1, using: &generator)
    }
}
