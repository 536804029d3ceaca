extension STUNMessage {
    /// The protocol between server and peers (RFC 8656 §18.8, RFC 6062 §5.1).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |    Protocol   |                      RFFU                     |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct RequestedTransport: STUNAttribute, Hashable, Sendable {
        /// REQUESTED-TRANSPORT.
        public static let type: UInt16 = 0x0019

        /// The IP protocol number: 17 for UDP, 6 for TCP.
        public let value: UInt8

        /// An attribute with that value.
        public init(_ value: UInt8) {
            self.value = value
        }

        /// Reads the value; throws where it is not 4 bytes long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 4 else { throw .malformed(Self.self) }
            self.value = value[0]
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(bigEndian: value)
            bytes.append(contentsOf: [0, 0, 0])
        }
    }
}
