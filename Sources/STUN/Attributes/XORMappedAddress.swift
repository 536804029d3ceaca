public import NetBase

extension STUNMessage {
    /// The address a request came from, hidden from meddling NATs (RFC 8489 §14.2).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |0 0 0 0 0 0 0 0|     Family    |             X-Port            |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                X-Address (32 bits or 128 bits)                |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct XORMappedAddress: STUNAttribute, Hashable, Sendable {
        /// XOR-MAPPED-ADDRESS.
        public static let type: UInt16 = 0x0020

        /// The address and port.
        public let address: TransportAddress

        /// An address, of which the scope does not travel.
        public init(_ address: TransportAddress) {
            self.address = address.unscoped
        }

        /// Reads the value; throws where family and length do not fit.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard let address = AddressCoding.decode(value, xor: transactionID) else { throw .malformed(Self.self) }
            self.address = address
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            AddressCoding.encode(address, into: &bytes, xor: transactionID)
        }
    }
}
