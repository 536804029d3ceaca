extension STUNMessage {
    /// Asks for a relayed address with an even port (RFC 8656 §18.7).
    ///
    ///      0
    ///      0 1 2 3 4 5 6 7
    ///     +-+-+-+-+-+-+-+-+
    ///     |R|    RFFU     |
    ///     +-+-+-+-+-+-+-+-+
    public struct EvenPort: STUNAttribute, Hashable, Sendable {
        /// EVEN-PORT.
        public static let type: UInt16 = 0x0018

        /// Whether the server shall hold the next-higher port in reserve.
        public let reservesNextPort: Bool

        /// A request for an even port, with or without the one behind it.
        public init(reservesNextPort: Bool) {
            self.reservesNextPort = reservesNextPort
        }

        /// Reads the value; throws where it is not 1 byte long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 1 else { throw .malformed(Self.self) }
            reservesNextPort = value[0] & 0x80 != 0
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(reservesNextPort ? 0x80 : 0)
        }
    }
}
