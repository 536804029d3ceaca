extension STUNMessage {
    /// The network that a check was sent from and its cost, as browsers tell each other (`GOOG-NETWORK-INFO`).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |          Network ID           |         Network Cost          |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct NetworkInfo: STUNAttribute, Hashable, Sendable {
        /// As browsers number it.
        public static let type: UInt16 = 0xc057

        /// The sender's number of the network.
        public let id: UInt16

        /// What the network costs, 0 to 999; more than that counts as 999.
        public let cost: UInt16

        /// An attribute with these values.
        public init(id: UInt16, cost: UInt16) {
            self.id = id
            self.cost = min(cost, 999)
        }

        /// Reads the values; throws where they are not 4 bytes long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 4 else { throw .malformed(Self.self) }
            let both = value.uint32(at: 0)
            self.init(id: UInt16(both >> 16), cost: UInt16(truncatingIfNeeded: both))
        }

        /// Appends the values.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(bigEndian: UInt32(id) << 16 | UInt32(cost))
        }
    }
}
