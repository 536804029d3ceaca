/// Cuts what a server sends over TCP or TLS into STUN messages and ChannelData messages, wherever the stream is split.
///
/// It holds at most one incomplete frame, of 65,552 bytes at most. Complete frames are handed on where they lie, without a copy.
package struct TURNStreamDecoder {
    /// What the bytes of a frame are.
    package enum Frame: Hashable, Sendable {
        /// A STUN message, from its header on. Its attributes have not been looked at.
        case stunMessage
        /// The data of a ChannelData message, without header and padding.
        case channelData(ChannelNumber)
    }

    /// The stream holds something that is neither; where the next frame starts is then unknown, and the connection of no more use.
    package struct LostFraming: Error, Hashable, Sendable {}

    private static let stunHeaderByteCount = 20
    private static let stunCookieEnd = 8

    private var partial: [UInt8] = []
    private var isLost = false

    /// A decoder at the start of a stream.
    package init() {}

    /// The bytes that wait for the rest of their frame.
    package var bufferedByteCount: Int { partial.count }

    /// Takes the next part of the stream, and hands on each frame that it completes, borrowed for the call.
    ///
    /// ChannelData with a number from 0x5000 to 0x7FFF is left out: RFC 8656 §12.6 drops it, and RFC 5766 gave it this framing. Throws
    /// where the framing is lost, after the frames in front, and at every call from then on.
    package mutating func receive(
        _ bytes: Span<UInt8>, _ handle: (Frame, Span<UInt8>) -> Void
    ) throws(LostFraming) {
        guard !isLost else { throw LostFraming() }
        do {
            try cut(bytes, handle)
        } catch {
            isLost = true
            partial = []
            throw error
        }
    }

    private mutating func cut(_ bytes: Span<UInt8>, _ handle: (Frame, Span<UInt8>) -> Void) throws(LostFraming) {
        var offset = 0
        while offset < bytes.count {
            let rest = bytes.extracting(offset..<bytes.count)
            if partial.isEmpty {
                let needed = try Self.neededByteCount(rest)
                if needed <= rest.count {
                    Self.deliver(rest.extracting(0..<needed), handle)
                    offset += needed
                    continue
                }
            }
            let needed = partial.isEmpty ? rest.count : try Self.neededByteCount(partial.span) - partial.count
            let taken = min(needed, rest.count)
            let part = rest.extracting(0..<taken)
            unsafe part.withUnsafeBufferPointer { buffer in unsafe partial.append(contentsOf: buffer) }
            offset += taken
            if try Self.neededByteCount(partial.span) == partial.count {
                Self.deliver(partial.span, handle)
                partial.removeAll(keepingCapacity: true)
            }
        }
    }

    /// The size of the frame that starts here, or what it takes to find that out; at least one byte has to be there.
    private static func neededByteCount(_ head: Span<UInt8>) throws(LostFraming) -> Int {
        switch head[0] >> 6 {
        case 0:
            guard head.count >= stunCookieEnd else { return stunCookieEnd }
            let cookie = head.extracting(4..<stunCookieEnd)
            let length = Int(head[2]) << 8 | Int(head[3])
            guard cookie[0] == 0x21, cookie[1] == 0x12, cookie[2] == 0xa4, cookie[3] == 0x42, length % 4 == 0 else {
                throw LostFraming()
            }
            return stunHeaderByteCount + length
        case 1:
            guard let header = ChannelData.Header(head) else { return ChannelData.headerByteCount }
            return ChannelData.streamByteCount(dataByteCount: header.length)
        default:
            throw LostFraming()
        }
    }

    private static func deliver(_ frame: Span<UInt8>, _ handle: (Frame, Span<UInt8>) -> Void) {
        if frame[0] >> 6 == 0 {
            handle(.stunMessage, frame)
        } else if let message = ChannelData(datagram: frame) {
            handle(.channelData(message.channel), frame.extracting(message.payload))
        }
    }
}
