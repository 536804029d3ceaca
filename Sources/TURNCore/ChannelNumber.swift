/// The number of a channel: what stands for a peer's transport address in ChannelData messages (RFC 8656 §12).
///
/// Only 0x4000 to 0x4FFF exist: "The values of this field are allocated as follows: […] 0x4000 through 0x4FFF: These values are the
/// allowed channel numbers (4096 possible values)". RFC 5766 allowed more, so that its servers take these too.
package struct ChannelNumber: RawRepresentable, Hashable, Comparable, Sendable {
    /// The numbers that there are.
    package static let range: ClosedRange<UInt16> = 0x4000...0x4fff

    /// The number as it travels.
    package let rawValue: UInt16

    /// A channel's number; nil outside of ``range``, as messages with such numbers are dropped (RFC 8656 §12.6).
    package init?(rawValue: UInt16) {
        guard Self.range.contains(rawValue) else { return nil }
        self.rawValue = rawValue
    }

    /// Orders channels by their numbers.
    package static func < (a: ChannelNumber, b: ChannelNumber) -> Bool { a.rawValue < b.rawValue }
}

extension ChannelNumber: CustomStringConvertible {
    /// `0x4000`.
    package var description: String { "0x" + String(rawValue, radix: 16) }
}
