extension STUNMessage {
    /// The name and version of the sender's software, for people (RFC 8489 §14.14).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                     UTF-8 text (variable)                     |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct Software: STUNAttribute, Hashable, Sendable {
        /// SOFTWARE.
        public static let type: UInt16 = 0x8022

        /// The description.
        public let value: String

        /// A text, of which at most 127 characters are kept.
        public init(_ value: String) {
            self.value = TextCoding.limited(value)
        }

        /// Reads the value; throws where it is longer than 763 bytes.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard let text = TextCoding.decodeLeniently(value) else { throw .malformed(Self.self) }
            self.value = text
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(contentsOf: value.utf8)
        }
    }
}
