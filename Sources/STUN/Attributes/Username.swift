extension STUNMessage {
    /// Whose password signs the message (RFC 8489 §14.3).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                     UTF-8 text (variable)                     |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct Username: STUNAttribute, Hashable, Sendable {
        /// USERNAME.
        public static let type: UInt16 = 0x0006

        /// The name, prepared with OpaqueString.
        public let value: String

        /// A text, of which at most 508 bytes are kept.
        public init(_ value: String) {
            self.value = TextCoding.limited(value, byteCount: TextCoding.usernameByteLimit)
        }

        /// Reads the value; throws where it is longer than 763 bytes or no UTF-8.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard let text = TextCoding.decodeExactly(value) else { throw .malformed(Self.self) }
            self.value = text
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(contentsOf: value.utf8)
        }
    }
}
