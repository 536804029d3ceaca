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
    ///
    /// Nil for what is none: it is to be cheap, as strings of all Unicode are not, and RFC 8839 §5.4 has letters, digits, + and / alone.
    package static func usernameFragment(in bytes: Span<UInt8>) -> String? {
        guard let username = STUNWire.find(STUNMessage.Username.type, in: bytes)?.value else { return nil }
        var end = username.lowerBound
        while end < username.upperBound, bytes[end].isFragmentCharacter { end += 1 }
        guard end < username.upperBound, bytes[end] == UInt8(ascii: ":"), 4...256 ~= end - username.lowerBound else {
            return nil
        }
        return unsafe bytes.extracting(username.lowerBound..<end).withUnsafeBufferPointer { fragment in
            unsafe String(decoding: fragment, as: UTF8.self)
        }
    }

    /// Whether the message ends with the right FINGERPRINT, as all of ICE's do (RFC 8445 §7.1).
    package static func hasFingerprint(_ bytes: Span<UInt8>) -> Bool {
        STUNWire.verifyFingerprint(of: bytes, at: STUNWire.find(STUNMessage.Fingerprint.type, in: bytes)) == .valid
    }
}

extension UInt8 {
    /// RFC 8839 §5.4's ice-char, with `-` and `_`, which some write.
    fileprivate var isFragmentCharacter: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
