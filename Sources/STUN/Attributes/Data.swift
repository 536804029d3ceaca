import NetBase

extension STUNMessage {
    /// What travels between a peer and the client through the server (RFC 8656 §18.4).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                  Application data (variable)                  |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct Data: STUNAttribute, Hashable, Sendable {
        /// DATA.
        public static let type: UInt16 = 0x0013

        /// The payload of the datagram.
        public let value: [UInt8]

        /// An attribute with those bytes.
        public init(_ value: [UInt8]) {
            self.value = value
        }

        /// Reads the value.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            self.value = [UInt8](copying: value)
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes += value
        }
    }
}
