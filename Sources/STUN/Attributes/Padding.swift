import NetBase

extension STUNMessage {
    /// Bytes without meaning that make a message large (RFC 5780 §7.6).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                  Free-form string (variable)                  |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct Padding: STUNAttribute, Hashable, Sendable {
        /// PADDING.
        public static let type: UInt16 = 0x0026

        /// The bytes.
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
