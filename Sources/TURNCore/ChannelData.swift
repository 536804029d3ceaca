/// The framing of application data on a channel (RFC 8656 §12.4).
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |         Channel Number        |            Length             |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                  Application data, then padding               |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///
/// A value says where in a datagram the data lies; the bytes stay where they are. Streams are cut by ``TURNStreamDecoder``.
package struct ChannelData: Hashable, Sendable {
    /// The bytes in front of the data.
    package static let headerByteCount = 4

    /// The most data that a message carries, in bytes.
    package static let maximumByteCount = Int(UInt16.max)

    /// The channel that the data travels on.
    package let channel: ChannelNumber

    /// Where in the datagram the data lies, padding excluded; empty data is valid.
    package let payload: Range<Int>

    /// Reads a datagram; nil, which means to drop it, where it is shorter than it claims or the number is no channel's (RFC 8656 §12.6).
    package init?(datagram: Span<UInt8>) {
        guard let header = Header(datagram), let channel = ChannelNumber(rawValue: header.number),
            Self.headerByteCount + header.length <= datagram.count
        else { return nil }
        self.channel = channel
        payload = Self.headerByteCount..<Self.headerByteCount + header.length
    }

    /// A message for a datagram, which needs no padding; nil for more than 65535 bytes of data.
    package static func encodeDatagram(_ data: Span<UInt8>, on channel: ChannelNumber) -> [UInt8]? {
        encode(data, on: channel, paddedTo: headerByteCount + data.count)
    }

    /// A message for a stream, where it "MUST be padded to a multiple of four bytes" (RFC 8656 §12.5); nil for more than 65535 bytes.
    package static func encodeStream(_ data: Span<UInt8>, on channel: ChannelNumber) -> [UInt8]? {
        encode(data, on: channel, paddedTo: streamByteCount(dataByteCount: data.count))
    }

    /// The bytes that a message takes in a stream, for so many bytes of data.
    static func streamByteCount(dataByteCount: Int) -> Int { (headerByteCount + dataByteCount + 3) & ~3 }

    private static func encode(
        _ data: Span<UInt8>, on channel: ChannelNumber, paddedTo byteCount: Int
    ) -> [UInt8]? {
        guard data.count <= maximumByteCount else { return nil }
        var bytes: [UInt8] = []
        write(data, on: channel, paddedTo: byteCount, over: &bytes)
        return bytes
    }

    /// Puts a message for a stream or a datagram in the place of what a buffer held, whose memory is used again; false, and nothing
    /// done, for more than 65535 bytes of data.
    static func write(
        _ data: Span<UInt8>, on channel: ChannelNumber, forStream: Bool, over bytes: inout [UInt8]
    ) -> Bool {
        guard data.count <= maximumByteCount else { return false }
        let byteCount = forStream ? streamByteCount(dataByteCount: data.count) : headerByteCount + data.count
        write(data, on: channel, paddedTo: byteCount, over: &bytes)
        return true
    }

    private static func write(
        _ data: Span<UInt8>, on channel: ChannelNumber, paddedTo byteCount: Int, over bytes: inout [UInt8]
    ) {
        bytes.removeAll(keepingCapacity: true)
        bytes.reserveCapacity(byteCount)
        bytes.append(UInt8(channel.rawValue >> 8))
        bytes.append(UInt8(truncatingIfNeeded: channel.rawValue))
        bytes.append(UInt8(data.count >> 8))
        bytes.append(UInt8(truncatingIfNeeded: data.count))
        unsafe data.withUnsafeBufferPointer { buffer in unsafe bytes.append(contentsOf: buffer) }
        while bytes.count < byteCount { bytes.append(0) }
    }

    /// The two fields in front of the data, whatever they say.
    struct Header {
        let number: UInt16
        let length: Int

        init?(_ bytes: Span<UInt8>) {
            guard bytes.count >= ChannelData.headerByteCount else { return nil }
            number = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
            length = Int(bytes[2]) << 8 | Int(bytes[3])
        }
    }
}
