import NetBase

/// Cuts a byte stream into STUN messages, which frame themselves by their headers (RFC 8489 §6.2.2).
///
/// It holds at most one incomplete message. Bytes come in as they are read and are taken out message by message:
///
///     var offset = 0
///     while let message = try decoder.next(in: bytes, from: &offset) { … }
package struct STUNStreamDecoder {
    private var partial: [UInt8] = []
    private let maximumLength: Int

    /// A decoder for messages of at most so many bytes; larger ones break the stream.
    package init(maximumLength: Int = 65_552) {
        self.maximumLength = maximumLength
    }

    /// The number of bytes that wait for the rest of their message.
    package var bufferedByteCount: Int { partial.count }

    /// The next message that is complete, taking bytes from an offset on; nil when all were taken.
    ///
    /// A message with broken attributes is passed over (RFC 8489 §6.3). Throws where the stream holds something else than STUN, or
    /// too long a message: it cannot be read any further then.
    package mutating func next(in bytes: Span<UInt8>, from offset: inout Int) throws(STUNError) -> STUNMessage? {
        while true {
            guard let result = try nextFrame(in: bytes, from: &offset) else { return nil }
            if let message = result { return message }
        }
    }

    /// Takes one message; nil where it is not complete, an inner nil where it is broken.
    private mutating func nextFrame(in bytes: Span<UInt8>, from offset: inout Int) throws(STUNError) -> STUNMessage?? {
        // A message that lies in these bytes as a whole is read in place.
        let rest = bytes.extracting(offset..<bytes.count)
        if partial.isEmpty, rest.count >= STUNWire.headerLength {
            let length = try messageLength(rest)
            if rest.count >= length {
                offset += length
                return .some(try? STUNMessage(parsing: rest.extracting(0..<length)))
            }
        }
        guard fill(to: STUNWire.headerLength, bytes, &offset) else { return nil }
        guard fill(to: try messageLength(partial.span), bytes, &offset) else { return nil }
        defer { partial.removeAll(keepingCapacity: true) }
        return .some(try? STUNMessage(parsing: partial.span))
    }

    private mutating func fill(to count: Int, _ bytes: Span<UInt8>, _ offset: inout Int) -> Bool {
        let taken = max(0, min(count - partial.count, bytes.count - offset))
        partial.append(copying: bytes.extracting(offset..<offset + taken))
        offset += taken
        return partial.count >= count
    }

    private func messageLength(_ header: Span<UInt8>) throws(STUNError) -> Int {
        guard STUNWire.hasHeader(header) else { throw STUNError(.notSTUN) }
        let length = STUNWire.announcedLength(header)
        guard length % 4 == 0 else { throw STUNError(.badLength) }
        guard length <= maximumLength else { throw STUNError(.tooLong) }
        return length
    }
}
