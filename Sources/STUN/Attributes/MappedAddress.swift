public import NetBase

extension STUNMessage {
    /// The address a request came from, in the clear, as RFC 3489 had it (RFC 8489 §14.1).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |0 0 0 0 0 0 0 0|     Family    |              Port             |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                 Address (32 bits or 128 bits)                 |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct MappedAddress: STUNAttribute, Hashable, Sendable {
        /// MAPPED-ADDRESS.
        public static let type: UInt16 = 0x0001

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
