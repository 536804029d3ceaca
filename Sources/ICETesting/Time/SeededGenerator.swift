/// A small random number generator that gives the same numbers for the same seed in every process (xoshiro256**).
///
/// Every host, link and NAT of a ``SimulatedNetwork`` draws from a stream of its own, named after it, so that adding one does not
/// change what the others draw. It is fit for tests, not for secrets.
public struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var a: UInt64
    private var b: UInt64
    private var c: UInt64
    private var d: UInt64

    /// The stream of a name under a seed; different names give unrelated streams.
    public init(seed: UInt64, stream: String = "") {
        // SplitMix64 fills the state, as xoshiro's authors advise: it never leaves all four words zero.
        var state = seed ^ FNV1a.digest(stream.utf8)
        func split() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var word = state
            word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
            return word ^ word >> 31
        }
        a = split()
        b = split()
        c = split()
        d = split()
    }

    /// The next 64 random bits.
    public mutating func next() -> UInt64 {
        let product = b &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = b << 17
        c ^= a
        d ^= b
        b ^= c
        a ^= d
        c ^= shifted
        d = d << 45 | d >> 19
        return result
    }

    /// Whether something of a probability between 0 and 1 happens this time.
    mutating func chance(_ probability: Double) -> Bool { probability > 0 && unit() < probability }

    /// A number from 0 up to but not including 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A number in a range.
    mutating func pick(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }

    /// How many of some bytes to take at once: often all, else few as often as many, so that cuts fall everywhere.
    mutating func pickCount(upTo limit: Int) -> Int {
        chance(0.25) ? limit : pick(1...max(1, limit >> pick(0...10)))
    }
}

/// The 64-bit Fowler-Noll-Vo hash: unlike `Hasher` it is the same in every process.
enum FNV1a {
    static func digest(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }
}
