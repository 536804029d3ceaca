/// What a discovery of NAT behaviour tests, and how patiently.
public struct NATDiscoveryOptions: Hashable, Sendable {
    /// When requests are repeated and given up: at 0, 0.5, 1, 1.5, 2 and 3 s, and at 5 s.
    ///
    /// What several tests look for is silence, so that this is about how long a discovery takes. RFC 8489's own schedule takes 39.5 s
    /// for each of them.
    public var retransmission = RetransmissionSchedule(requestLimit: 6, finalWaitFactor: 4, evenRequests: 4)

    /// Whether to find out if the NAT hairpins (RFC 5780 §3.4).
    public var testsHairpinning = true

    /// Whether to measure how long mappings last (RFC 5780 §4.6), by searching between zero and ``longestLifetime``; this takes minutes.
    public var measuresMappingLifetime = false

    /// The lifetime beyond which it does not matter how long mappings last, from 10 s to an hour.
    public var longestLifetime = Duration.seconds(180)

    /// How exactly the lifetime is to be known, 5 s or more.
    public var lifetimePrecision = Duration.seconds(10)

    /// Everything but the lifetime, in a few seconds.
    public init() {}
}
