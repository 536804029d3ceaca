public import NetBase

extension STUNMessage {
    /// The address that a response was sent from (RFC 5780 §7.3).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |0 0 0 0 0 0 0 0|     Family    |              Port             |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                 Address (32 bits or 128 bits)                 |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct ResponseOrigin: STUNAttribute, Hashable, Sendable {
        /// RESPONSE-ORIGIN.
        public static let type: UInt16 = 0x802b

        /// The address and port.
        public let address: TransportAddress

        /// An address, of which the scope does not travel.
        public init(_ address: TransportAddress) {
            self.address = address.unscoped
        }

        /// Reads the value; throws where family and length do not fit.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard let address = AddressCoding.decode(value) else { throw .malformed(Self.self) }
            self.address = address
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            AddressCoding.encode(address, into: &bytes)
        }
    }
}
