extension STUNMessage {
    /// The types that a server did not understand, in a 420 response (RFC 8489 §14.13).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |        Attribute 1 Type       |        Attribute 2 Type       |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |        Attribute 3 Type       |    Attribute 4 Type    ...    |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct UnknownAttributes: STUNAttribute, Hashable, Sendable {
        /// UNKNOWN-ATTRIBUTES.
        public static let type: UInt16 = 0x000a

        /// The types.
        public let value: [UInt16]

        /// A list of types.
        public init(_ value: [UInt16]) {
            self.value = value
        }

        /// Reads the value; throws where its length is odd.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count % 2 == 0 else { throw .malformed(Self.self) }
            self.value = (0..<value.count / 2).map { value.uint16(at: 2 * $0) }
        }

        /// Appends the value; the padding is zeros, not RFC 3489's repetition.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            for type in value { bytes.append(bigEndian: type) }
        }
    }
}
