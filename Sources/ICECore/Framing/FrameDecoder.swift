import NetBase

/// Cuts what arrives on a connection into the datagrams that RFC 4571 §2 frames, wherever the stream is split.
///
/// ```
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------------------------------+-------------------------------+
/// |             LENGTH            |  STUN, RTP or RTCP packet ... |
/// +-------------------------------+-------------------------------+
/// ```
///
/// It holds the beginning of at most one datagram, and no more room than has come in of it twice over. Datagrams are taken out one by
/// one, so that who handles one may close the connection, or change ``lengthLimit``, before the next:
///
///     var offset = 0
///     while let datagram = try decoder.next(in: bytes, from: &offset) { … }
package struct FrameDecoder {
    /// Where a datagram lies.
    package enum Datagram: Hashable, Sendable {
        /// As a whole in the bytes that were given.
        case inPlace(Range<Int>)
        /// In a buffer that it was put together in; give that back with ``FrameDecoder/reuse(_:)``.
        case assembled([UInt8])
    }

    /// A frame is longer than ``lengthLimit``: the connection is of no more use.
    package struct TooLong: Error, Hashable, Sendable {
        /// The length that the frame has announced, in bytes.
        package let length: Int
    }

    /// The longest datagram that is taken, in bytes; what counts is the limit when a frame's length has come in.
    package var lengthLimit: Int

    private var partial: [UInt8] = []
    /// The first byte of a length whose second is to come.
    private var firstByte: UInt8?
    /// The length of the datagram that is being put together.
    private var announced: Int?

    /// Room that is kept from one datagram that was put together to the next, in bytes: what fits into a packet on most paths.
    private static let keptRoom = 2048

    /// A decoder at the start of a stream.
    package init(lengthLimit: Int = FrameEncoder.longestDatagram) {
        self.lengthLimit = lengthLimit
    }

    /// The bytes that wait for the rest of their frame, the length's included.
    package var bufferedByteCount: Int {
        if firstByte != nil { return 1 }
        return announced == nil ? 0 : FrameEncoder.headerByteCount + partial.count
    }

    /// The next datagram that is complete, taking bytes from an offset on; nil when all were taken.
    ///
    /// A length of 0 is passed over: it "codes the null packet" (RFC 4571 §2). Throws for a frame above the limit; where the next frame
    /// starts is then unknown, and the decoder must not be used any more.
    package mutating func next(in bytes: Span<UInt8>, from offset: inout Int) throws(TooLong) -> Datagram? {
        while announced == nil {
            guard let length = takeLength(bytes, &offset) else { return nil }
            guard length <= lengthLimit else { throw TooLong(length: length) }
            if length == 0 { continue }
            if length <= bytes.count - offset {
                defer { offset += length }
                return .inPlace(offset..<offset + length)
            }
            announced = length
        }
        guard let length = announced else { return nil }
        let taken = min(length - partial.count, bytes.count - offset)
        let part = bytes.extracting(offset..<offset + taken)
        unsafe part.withUnsafeBufferPointer { unsafe partial.append(contentsOf: $0) }
        offset += taken
        guard partial.count == length else { return nil }
        announced = nil
        defer { partial = [] }
        return .assembled(partial)
    }

    /// Takes a buffer back, for the next datagram that has to be put together.
    package mutating func reuse(_ buffer: consuming [UInt8]) {
        guard partial.isEmpty, buffer.capacity <= Self.keptRoom else { return }
        buffer.removeAll(keepingCapacity: true)
        partial = buffer
    }

    private mutating func takeLength(_ bytes: Span<UInt8>, _ offset: inout Int) -> Int? {
        guard offset < bytes.count else { return nil }
        let byte = bytes[offset]
        offset += 1
        if let first = firstByte {
            firstByte = nil
            return Int(first) << 8 | Int(byte)
        }
        guard offset < bytes.count else {
            firstByte = byte
            return nil
        }
        defer { offset += 1 }
        return Int(byte) << 8 | Int(bytes[offset])
    }
}
