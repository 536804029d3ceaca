extension STUNMessage {
    /// Asks for a response from another address, to learn how a NAT filters (RFC 5780 §7.2).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 A B 0|
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct ChangeRequest: STUNAttribute, Hashable, Sendable {
        /// CHANGE-REQUEST.
        public static let type: UInt16 = 0x0003

        /// Whether the response shall come from the other IP address (A).
        public let changesIP: Bool

        /// Whether the response shall come from the other port (B).
        public let changesPort: Bool

        /// The two flags.
        public init(changesIP: Bool, changesPort: Bool) {
            self.changesIP = changesIP
            self.changesPort = changesPort
        }

        /// Reads the value; throws where it is not 4 bytes long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 4 else { throw .malformed(Self.self) }
            changesIP = value[3] & 0x04 != 0
            changesPort = value[3] & 0x02 != 0
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(bigEndian: UInt32((changesIP ? 4 : 0) | (changesPort ? 2 : 0)))
        }
    }
}
