extension STUNMessage {
    /// The name that the alternate server's certificate must bear (RFC 8489 §14.16).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |             DNS name (variable, 255 bytes at most)            |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct AlternateDomain: STUNAttribute, Hashable, Sendable {
        /// ALTERNATE-DOMAIN.
        public static let type: UInt16 = 0x8003

        /// The name, in ASCII.
        public let value: String

        /// A name, of which at most 255 bytes are kept.
        public init(_ value: String) {
            self.value = TextCoding.limited(value, byteCount: 255)
        }

        /// Reads the value; throws where it is empty, longer than 255 bytes or not ASCII.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard 1...255 ~= value.count, let text = TextCoding.decodeExactly(value),
                text.utf8.allSatisfy({ $0 < 0x80 })
            else { throw .malformed(Self.self) }
            self.value = text
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(contentsOf: value.utf8)
        }
    }
}
