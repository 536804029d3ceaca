/// Where an attribute lies in its message.
public struct STUNAttributeLocation: Hashable, Sendable {
    /// The attribute's type.
    public let type: UInt16

    /// The indices of its value in the message's bytes, without the padding.
    public let value: Range<Int>

    /// Whether receivers look at it: false for what follows the integrity attributes or the fingerprint (RFC 8489 §9, §14.7).
    public let isCovered: Bool

    /// An attribute of ours that begins at an index, with so many bytes of value.
    init(_ type: UInt16, behind index: Int, count: Int) {
        let start = index + AttributeCursor.headerLength
        self.init(type: type, value: start..<start + count, isCovered: true)
    }

    init(type: UInt16, value: Range<Int>, isCovered: Bool) {
        self.type = type
        self.value = value
        self.isCovered = isCovered
    }

    /// Where the attribute's type and length stand.
    var start: Int { value.lowerBound - AttributeCursor.headerLength }

    /// Where the next attribute begins.
    var paddedEnd: Int { value.lowerBound + value.count.paddedToWord }
}

/// Walks the attributes of a message, without holding on to its bytes.
///
/// It never reads beyond the span that it is handed, whatever that holds; ``isAtEnd`` tells a message that ended from one that
/// broke off.
struct AttributeCursor {
    static let headerLength = 4

    /// How much of what follows still counts (RFC 8489 §9: attributes behind MESSAGE-INTEGRITY are ignored, save for
    /// MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, those behind MESSAGE-INTEGRITY-SHA256 save for FINGERPRINT; §14.7:
    /// FINGERPRINT is the last).
    private enum Seal {
        case open, behindIntegrity, behindSHA256Integrity, behindFingerprint
    }

    private var offset = STUNWire.headerLength
    private var seal = Seal.open

    /// The next attribute, or nil at the end and where the bytes are no attribute.
    mutating func next(in bytes: Span<UInt8>) -> STUNAttributeLocation? {
        guard bytes.count - offset >= Self.headerLength else { return nil }
        let header = bytes.uint32(at: offset)
        let (type, length) = (UInt16(header >> 16), Int(header & 0xffff))
        let start = offset + Self.headerLength
        guard bytes.count - start >= length.paddedToWord else { return nil }
        offset = start + length.paddedToWord
        let isCovered = allows(type)
        if isCovered { sealBehind(type) }
        return STUNAttributeLocation(type: type, value: start..<start + length, isCovered: isCovered)
    }

    func isAtEnd(of bytes: Span<UInt8>) -> Bool { offset == bytes.count }

    private func allows(_ type: UInt16) -> Bool {
        switch seal {
        case .open: true
        case .behindIntegrity:
            type == STUNMessage.MessageIntegritySHA256.type || type == STUNMessage.Fingerprint.type
        case .behindSHA256Integrity: type == STUNMessage.Fingerprint.type
        case .behindFingerprint: false
        }
    }

    private mutating func sealBehind(_ type: UInt16) {
        switch type {
        case STUNMessage.MessageIntegrity.type: seal = .behindIntegrity
        case STUNMessage.MessageIntegritySHA256.type: seal = .behindSHA256Integrity
        case STUNMessage.Fingerprint.type: seal = .behindFingerprint
        default: break
        }
    }
}
