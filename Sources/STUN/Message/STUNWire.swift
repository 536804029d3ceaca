import Digest

/// The rules of a message's bytes, over a borrowed span, so that nothing is copied to look at one.
enum STUNWire {
    static let headerLength = 20

    /// "The Magic Cookie field MUST contain the fixed value 0x2112A442 in network byte order" (RFC 8489 §5).
    static let magicCookie: UInt32 = 0x2112_a442

    /// The longest message: the length field holds a multiple of 4 below 2^16.
    static let maximumLength = headerLength + 0xfffc

    /// Whether the first 20 bytes can be a header, its length aside.
    static func hasHeader(_ bytes: Span<UInt8>) -> Bool {
        bytes.count >= headerLength && bytes[0] & 0xc0 == 0 && bytes.uint32(at: 4) == magicCookie
    }

    /// The whole length that the header announces; only after ``hasHeader(_:)``.
    static func announcedLength(_ bytes: Span<UInt8>) -> Int {
        headerLength + Int(bytes.uint16(at: 2))
    }

    static func transactionID(_ bytes: Span<UInt8>) -> STUNTransactionID {
        STUNTransactionID(high: bytes.uint32(at: 8), low: bytes.uint64(at: 12))
    }

    static func validate(_ bytes: Span<UInt8>) throws(STUNError) {
        try validate(bytes) { _ in }
    }

    /// Validates a message and shows its attributes on the way, the last of them before it can say that nothing is wrong.
    @inline(__always)
    static func validate(
        _ bytes: Span<UInt8>, showing show: (STUNAttributeLocation) -> Void
    ) throws(STUNError) {
        guard bytes.count >= headerLength else { throw STUNError(.badLength) }
        guard hasHeader(bytes) else { throw STUNError(.notSTUN) }
        guard announcedLength(bytes) == bytes.count, bytes.count % 4 == 0 else { throw STUNError(.badLength) }
        var cursor = AttributeCursor()
        while let attribute = cursor.next(in: bytes) { show(attribute) }
        guard cursor.isAtEnd(of: bytes) else { throw STUNError(.truncated) }
    }

    /// The first attribute of a type that counts (RFC 8489 §14: "only the first occurrence needs to be processed").
    static func find(_ type: UInt16, in bytes: Span<UInt8>) -> STUNAttributeLocation? {
        var cursor = AttributeCursor()
        while let attribute = cursor.next(in: bytes) {
            if attribute.type == type, attribute.isCovered { return attribute }
        }
        return nil
    }

    /// The types below 0x8000 that count and are not in the set, each once, in the order of the message (RFC 8489 §6.3.1).
    static func unknownRequiredAttributes(in bytes: Span<UInt8>, known: STUNAttributeSet) -> [UInt16] {
        var cursor = AttributeCursor()
        var unknown: [UInt16] = []
        while let attribute = cursor.next(in: bytes) {
            guard attribute.type < 0x8000, attribute.isCovered, !known.contains(attribute.type),
                !unknown.contains(attribute.type)
            else { continue }
            unknown.append(attribute.type)
        }
        return unknown
    }
}

// MARK: - Integrity and fingerprint

extension STUNWire {
    /// The code over the bytes in front of an integrity attribute, with the header's length as if the message ended behind that
    /// attribute (RFC 8489 §14.5).
    static func integrity(
        of bytes: Span<UInt8>, before attribute: STUNAttributeLocation, _ key: IntegrityKey,
        _ algorithm: IntegrityAlgorithm
    ) -> AuthenticationCode? {
        guard let hmac = key.hmac(algorithm) else { return nil }
        let length = UInt32(attribute.paddedEnd - headerLength)
        hmac.restart(bigEndian: UInt32(bytes.uint16(at: 0)) << 16 | length)
        hmac.update(bytes.extracting(4..<attribute.start))
        return hmac.finish()
    }

    /// Checks one of the integrity attributes, which lies there; `minimumLength` is that of a truncated MESSAGE-INTEGRITY-SHA256
    /// (RFC 8489 §14.6).
    static func verifyIntegrity(
        of bytes: Span<UInt8>, at attribute: STUNAttributeLocation?, _ key: IntegrityKey,
        _ algorithm: IntegrityAlgorithm,
        minimumLength: Int
    ) -> IntegrityVerdict {
        guard let attribute else { return .missing }
        let count = attribute.value.count
        let isRightLength =
            switch algorithm {
            case .sha1: count == 20
            case .sha256: count >= max(16, minimumLength) && count <= 32 && count % 4 == 0
            }
        guard isRightLength, let code = integrity(of: bytes, before: attribute, key, algorithm),
            code.matches(bytes.extracting(attribute.value))
        else { return .invalid }
        return .valid(algorithm)
    }

    /// "the CRC-32 of the STUN message up to (but excluding) the FINGERPRINT attribute itself, XOR'ed with the 32-bit value
    /// 0x5354554e" (RFC 8489 §14.7).
    static func fingerprint(of bytes: Span<UInt8>) -> UInt32 {
        CRC32.checksum(of: bytes) ^ 0x5354_554e
    }

    static func verifyFingerprint(of bytes: Span<UInt8>, at attribute: STUNAttributeLocation?) -> FingerprintVerdict {
        guard let attribute else { return .missing }
        guard attribute.value.count == 4, attribute.value.upperBound == bytes.count else { return .invalid }
        let expected = fingerprint(of: bytes.extracting(0..<attribute.start))
        return bytes.uint32(at: attribute.value.lowerBound) == expected ? .valid : .invalid
    }
}
