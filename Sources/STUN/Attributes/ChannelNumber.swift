extension STUNMessage {
    /// The number of a channel (RFC 8656 §18.1).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |         Channel Number        |            RFFU = 0           |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct ChannelNumber: STUNAttribute, Hashable, Sendable {
        /// CHANNEL-NUMBER.
        public static let type: UInt16 = 0x000c

        /// The number; clients may use 0x4000 to 0x4FFF.
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
