extension STUNMessage {
    /// Which of several nominations is the latest: the highest counts (draft-thatcher-ice-renomination, as browsers have it).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                       Nomination Value                        |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct Nomination: STUNAttribute, Hashable, Sendable {
        /// NOMINATION, as browsers number it.
        public static let type: UInt16 = 0xc001

        /// The nomination's place among all of the session, from 1.
        public let value: UInt32

        /// An attribute with that value.
        public init(_ value: UInt32) {
            self.value = value
        }

        /// Reads the value; throws where it is not 4 bytes long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 4 else { throw .malformed(Self.self) }
            self.value = value.uint32(at: 0)
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(bigEndian: value)
        }
    }
}
