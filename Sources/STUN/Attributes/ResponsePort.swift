extension STUNMessage {
    /// The port that the response shall be sent to (RFC 5780 §7.5).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |              Port             |          Padding = 0          |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct ResponsePort: STUNAttribute, Hashable, Sendable {
        /// RESPONSE-PORT.
        public static let type: UInt16 = 0x0027

        /// The port.
        public let value: UInt16

        /// An attribute with that value.
        public init(_ value: UInt16) {
            self.value = value
        }

        /// Reads the value; throws where it is not 4 bytes long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 4 else { throw .malformed(Self.self) }
            self.value = value.uint16(at: 0)
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(bigEndian: value)
            bytes.append(bigEndian: UInt16(0))
        }
    }
}
