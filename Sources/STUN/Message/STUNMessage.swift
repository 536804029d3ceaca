import NetBase

/// A STUN message (RFC 8489 §5): the bytes that travel, and what can be read from them.
///
/// The message is its bytes. Reading walks the attributes, appending adds one at the end and corrects the header's length.
/// Bytes from the network are validated once, by ``init(parsing:)``.
///
/// ```swift
/// var request = STUNMessage(.request, .binding, transactionID: STUNTransactionID())
/// request.append(STUNMessage.Software("example 1.0"))
/// request.appendFingerprint()
/// ```
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |0 0|     STUN Message Type     |         Message Length        |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                         Magic Cookie                          |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                     Transaction ID (96 bits)                  |
///     |                                                               |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
public struct STUNMessage: Hashable, Sendable {
    /// The message as it travels.
    public internal(set) var bytes: [UInt8]

    /// A message without attributes.
    public init(_ messageClass: STUNClass, _ method: STUNMethod, transactionID: STUNTransactionID) {
        // A signed Binding request with its address, credentials and fingerprint stays below this: one allocation.
        self.init(messageClass, method, transactionID: transactionID, reserving: 160)
    }

    /// A message without attributes that will grow to so many bytes, in one allocation.
    package init(
        _ messageClass: STUNClass, _ method: STUNMethod, transactionID: STUNTransactionID, reserving byteCount: Int
    ) {
        bytes = []
        bytes.reserveCapacity(byteCount)
        let typeAndNoLength = UInt32(MessageType.encode(messageClass, method)) << 16
        bytes.append(bigEndian: UInt64(typeAndNoLength) << 32 | UInt64(STUNWire.magicCookie))
        bytes.append(bigEndian: transactionID.high)
        bytes.append(bigEndian: transactionID.low)
    }

    /// A message from the network; throws where header, length or an attribute's extent are not RFC 8489's.
    public init(parsing bytes: Span<UInt8>) throws(STUNError) {
        try STUNWire.validate(bytes)
        self.bytes = [UInt8](copying: bytes)
    }

    /// Whether bytes begin as a message does, and of which class it then is; nil for what is not STUN.
    package static func messageClass(of bytes: Span<UInt8>) -> STUNClass? {
        STUNWire.hasHeader(bytes) ? MessageType.messageClass(of: bytes.uint16(at: 0)) : nil
    }

    /// Request, indication or response.
    public var messageClass: STUNClass { MessageType.messageClass(of: bytes.span.uint16(at: 0)) }

    /// What the message is about.
    public var method: STUNMethod { MessageType.method(of: bytes.span.uint16(at: 0)) }

    /// The ID that a response shares with its request.
    public var transactionID: STUNTransactionID { STUNWire.transactionID(bytes.span) }

    /// The same message under another ID. Integrity, fingerprint and XOR addresses in it do not fit any more: take one that has none yet.
    package func renamed(_ transactionID: STUNTransactionID) -> STUNMessage {
        var id: [UInt8] = []
        id.append(bigEndian: transactionID.high)
        id.append(bigEndian: transactionID.low)
        var result = self
        result.bytes.replaceSubrange(8..<STUNWire.headerLength, with: id)
        return result
    }

    /// Whether a datagram is a STUN message rather than another protocol's: 20 bytes or more, the first two bits 0, the magic
    /// cookie, and a length that is a multiple of 4 and right.
    public static func looksLikeSTUN(_ bytes: Span<UInt8>) -> Bool {
        STUNWire.hasHeader(bytes) && bytes.count % 4 == 0 && STUNWire.announcedLength(bytes) == bytes.count
    }
}

extension STUNMessage: CustomStringConvertible {
    /// Class, method, ID, and the types and lengths of the attributes; never a value, which might be a credential.
    public var description: String {
        let list = attributes.map { "\(hexadecimal($0.type)):\($0.value.count)" }.joined(separator: " ")
        return "\(method) \(messageClass) \(transactionID) [\(list)]"
    }
}
