import NetBase

/// How many strangers are told of: so many in a second, and of those from one address no more than a quarter.
struct StrangerLimit {
    private var total: RateLimit
    private var shares: [RateLimit] = []
    private let perShare: Int
    private let seed: UInt64

    /// What an attacker with one network could take from others by their hash is bounded by their number.
    private static let shareCount = 1024

    init(perSecond: Int, using generator: inout some RandomNumberGenerator, at now: Instant) {
        total = RateLimit(perSecond: perSecond, at: now)
        perShare = max(1, perSecond / 4)
        seed = generator.next()
    }

    mutating func allows(_ source: IPAddress, at now: Instant) -> Bool {
        if shares.isEmpty {
            shares = Array(repeating: RateLimit(perSecond: perShare, at: now), count: Self.shareCount)
        }
        let index = Int((source.neighbourhood ^ seed).scrambled % UInt64(Self.shareCount))
        return shares[index].allows(at: now) && total.allows(at: now)
    }
}

extension IPAddress {
    /// What one party has: an address of IPv4, a /56 of IPv6.
    fileprivate var neighbourhood: UInt64 { family == .v4 ? low : high >> 8 }
}

extension UInt64 {
    /// The bits, mixed: the multiplier is the golden ratio's.
    fileprivate var scrambled: UInt64 {
        let mixed = (self ^ (self >> 32)) &* 0x9e37_79b9_7f4a_7c15
        return mixed ^ (mixed >> 29)
    }
}
