extension STUNMessage {
    /// Stands for a relayed address that the server holds in reserve (RFC 8656 §18.10).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                        Token (64 bits)                        |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct ReservationToken: STUNAttribute, Hashable, Sendable {
        /// RESERVATION-TOKEN.
        public static let type: UInt16 = 0x0022

        /// The token, of which only the equality matters.
        public let value: UInt64

        /// An attribute with that value.
        public init(_ value: UInt64) {
            self.value = value
        }

        /// Reads the value; throws where it is not 8 bytes long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 8 else { throw .malformed(Self.self) }
            self.value = value.uint64(at: 0)
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(bigEndian: value)
        }
    }
}
