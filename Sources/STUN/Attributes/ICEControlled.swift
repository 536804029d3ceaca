extension STUNMessage {
    /// The sender believes itself to be controlled (RFC 8445 §16.1).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                   Tiebreaker value (64 bits)                  |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct ICEControlled: STUNAttribute, Hashable, Sendable {
        /// ICE-CONTROLLED.
        public static let type: UInt16 = 0x8029

        /// The random number that decides a role conflict.
        public let tieBreaker: UInt64

        /// An attribute with that value.
        public init(tieBreaker: UInt64) {
            self.tieBreaker = tieBreaker
        }

        /// Reads the value; throws where it is not 8 bytes long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 8 else { throw .malformed(Self.self) }
            tieBreaker = value.uint64(at: 0)
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(bigEndian: tieBreaker)
        }
    }
}
