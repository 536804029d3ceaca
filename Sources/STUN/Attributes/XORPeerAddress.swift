public import NetBase

extension STUNMessage {
    /// The address of a peer as the TURN server sees it (RFC 8656 §18.3).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |0 0 0 0 0 0 0 0|     Family    |             X-Port            |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                X-Address (32 bits or 128 bits)                |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct XORPeerAddress: STUNAttribute, Hashable, Sendable {
        /// XOR-PEER-ADDRESS.
        public static let type: UInt16 = 0x0012

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
