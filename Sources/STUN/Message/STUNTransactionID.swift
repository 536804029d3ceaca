/// The 96 random bits that tie a response to its request (RFC 8489 §5).
public struct STUNTransactionID: Hashable, Sendable {
    /// The first 4 bytes as a big-endian number.
    public let high: UInt32

    /// The last 8 bytes as a big-endian number.
    public let low: UInt64

    /// An ID from its bits.
    public init(high: UInt32, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new ID; RFC 8489 §5 wants it uniformly and cryptographically random.
    public init(using generator: inout some RandomNumberGenerator) {
        self.init(high: generator.next(), low: generator.next())
    }

    /// A new ID from the system's generator.
    public init() {
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }
}

extension STUNTransactionID: CustomStringConvertible {
    /// 24 hexadecimal digits.
    public var description: String {
        let (front, back) = (String(high, radix: 16), String(low, radix: 16))
        return String(repeating: "0", count: 8 - front.count) + front
            + String(repeating: "0", count: 16 - back.count) + back
    }
}
