import NetBase

extension STUNMessage {
    /// The HMAC-SHA1 over what stands in front of it (RFC 8489 §14.5).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                      HMAC-SHA1 (160 bits)                     |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct MessageIntegrity: STUNAttribute, Hashable, Sendable {
        /// MESSAGE-INTEGRITY.
        public static let type: UInt16 = 0x0008

        /// The 20 bytes; written by ``STUNMessage/appendIntegrity(_:_:)``.
        public let value: [UInt8]

        /// An attribute with those bytes.
        public init(_ value: [UInt8]) {
            self.value = value
        }

        /// Reads the value; throws where it is not 20 bytes long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 20 else { throw .malformed(Self.self) }
            self.value = [UInt8](copying: value)
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes += value
        }
    }
}
