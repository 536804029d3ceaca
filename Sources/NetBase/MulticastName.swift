/// A name that hides an address from everybody who is not on the same link: a random UUID below `.local`
/// (draft-ietf-mmusic-mdns-ice-candidates §3.1.1).
package struct MulticastName: Hashable, Sendable, CustomStringConvertible {
    /// The name in lower case.
    package let description: String

    /// A name; nil unless it is a UUID of any version, one dot, and `local`.
    ///
    /// The draft lets other names be: "ICE agents […] SHOULD NOT" look them up, as they may be anything on the peer's network.
    package init?(_ text: String) {
        let lowered = text.lowercased()
        let parts = lowered.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2, Substring(parts[1]) == "local", Self.isUUID(parts[0]) else { return nil }
        description = lowered
    }

    /// A new name, by a UUID of version 4 (RFC 9562 §5.4).
    package init(using generator: inout some RandomNumberGenerator) {
        var digits: [UInt8] = []
        for _ in 0..<2 {
            let bits = UInt64.random(in: 0...UInt64.max, using: &generator)
            for place in 0..<16 { digits.append(UInt8(truncatingIfNeeded: bits >> (4 * UInt64(place))) & 0x0f) }
        }
        digits[12] = 4
        digits[16] = 0x8 | digits[16] & 0x3
        var text = ""
        for (place, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(place) { text += "-" }
            text += String(digit, radix: 16)
        }
        description = text + ".local"
    }

    private static func isUUID(_ text: Substring.UTF8View) -> Bool {
        text.count == 36
            && text.enumerated().allSatisfy { place, character in
                if [8, 13, 18, 23].contains(place) { return character == UInt8(ascii: "-") }
                switch character {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): return true
                default: return false
                }
            }
    }
}
