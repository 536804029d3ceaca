import Digest

/// What a message's integrity attribute says of it.
public enum IntegrityVerdict: Hashable, Sendable {
    /// It was signed with the key, by this algorithm.
    case valid(IntegrityAlgorithm)
    /// It is not signed.
    case missing
    /// It was signed with another key, or changed since.
    case invalid
}

/// What a message's FINGERPRINT says of it.
public enum FingerprintVerdict: Hashable, Sendable {
    /// It is the last attribute, and right.
    case valid
    /// There is none.
    case missing
    /// It is wrong, or not the last attribute.
    case invalid
}

extension STUNMessage {
    /// Signs what the message holds so far (RFC 8489 §14.5, §14.6).
    ///
    /// With both algorithms, `.sha1` comes first. The message counts as whole afterwards: only ``appendFingerprint()`` may follow.
    public mutating func appendIntegrity(_ key: IntegrityKey, _ algorithm: IntegrityAlgorithm = .sha1) {
        let count = algorithm.function.byteCount
        guard appendBlank(type: algorithm.attributeType, count: count) else { return }
        let start = bytes.count - count
        let location = STUNAttributeLocation(
            type: algorithm.attributeType, value: start..<bytes.count, isCovered: true)
        STUNWire.integrity(of: bytes.span, before: location, key, algorithm)?.write(to: &bytes, at: start)
    }

    /// Appends the checksum that tells STUN from other protocols; the last attribute (RFC 8489 §14.7).
    public mutating func appendFingerprint() {
        guard appendBlank(type: Fingerprint.type, count: 4) else { return }
        let value = bytes.count - 4
        let checksum = STUNWire.fingerprint(of: bytes.span.extracting(0..<value - AttributeCursor.headerLength))
        bytes.overwrite(UInt16(checksum >> 16), at: value)
        bytes.overwrite(UInt16(truncatingIfNeeded: checksum), at: value + 2)
    }

    /// Whether the message was signed with the key.
    ///
    /// Where both attributes are present, MESSAGE-INTEGRITY-SHA256 decides (RFC 8489 §9.1.3). It must have its full 32 bytes unless
    /// a usage allows fewer (§14.6): then `minimumLength` says how few, 16 at the least.
    public func verifyIntegrity(_ key: IntegrityKey, minimumLength: Int = 32) -> IntegrityVerdict {
        let strong = verifyIntegrity(key, .sha256, minimumLength: minimumLength)
        return strong == .missing ? verifyIntegrity(key, .sha1) : strong
    }

    /// Whether the message was signed with the key and this algorithm; the other one's attribute is not looked at.
    public func verifyIntegrity(
        _ key: IntegrityKey, _ algorithm: IntegrityAlgorithm, minimumLength: Int = 32
    ) -> IntegrityVerdict {
        let location = STUNWire.find(algorithm.attributeType, in: bytes.span)
        return STUNWire.verifyIntegrity(of: bytes.span, at: location, key, algorithm, minimumLength: minimumLength)
    }

    /// Whether there is a right FINGERPRINT at the end.
    public var fingerprint: FingerprintVerdict {
        STUNWire.verifyFingerprint(of: bytes.span, at: STUNWire.find(Fingerprint.type, in: bytes.span))
    }
}
