import NetBase

extension STUNMessage {
    /// The HMAC-SHA256 over what stands in front of it (RFC 8489 §14.6).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                 HMAC-SHA256 (128 to 256 bits)                 |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct MessageIntegritySHA256: STUNAttribute, Hashable, Sendable {
        /// MESSAGE-INTEGRITY-SHA256.
        public static let type: UInt16 = 0x001c

        /// 16 to 32 bytes; written by ``STUNMessage/appendIntegrity(_:_:)``.
        public let value: [UInt8]

        /// An attribute with those bytes.
        public init(_ value: [UInt8]) {
            self.value = value
        }

        /// Reads the value; throws where it is not 16 to 32 bytes long in steps of 4.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard 16...32 ~= value.count, value.count % 4 == 0 else { throw .malformed(Self.self) }
            self.value = [UInt8](copying: value)
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes += value
        }
    }
}
