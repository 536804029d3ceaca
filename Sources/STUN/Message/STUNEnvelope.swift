import NetBase

/// What tells whose message this is, before anybody has looked at whether it is authentic.
package struct STUNEnvelope {
    /// Request, indication, success or failure.
    package let messageClass: STUNClass
    /// The transaction's ID.
    package let transactionID: STUNTransactionID

    /// Nil for what does not look like STUN.
    package init?(of bytes: Span<UInt8>) {
        guard STUNMessage.looksLikeSTUN(bytes) else { return nil }
        messageClass = MessageType.messageClass(of: bytes.uint16(at: 0))
        transactionID = STUNWire.transactionID(bytes)
    }

    /// The part of a check's USERNAME in front of the colon: the receiver's username fragment (RFC 8445 §7.2.2).
    package static func usernameFragment(in bytes: Span<UInt8>) -> String? {
        guard let username = STUNWire.find(STUNMessage.Username.type, in: bytes)?.value else { return nil }
        guard let colon = username.first(where: { bytes[$0] == UInt8(ascii: ":") }) else { return nil }
        return unsafe bytes.extracting(username.lowerBound..<colon).withUnsafeBufferPointer { fragment in
            unsafe String(decoding: fragment, as: UTF8.self)
        }
    }
}
