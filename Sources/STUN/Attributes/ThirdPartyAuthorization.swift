extension STUNMessage {
    /// That the server takes access tokens, and the name by which whoever makes them knows it (RFC 7635 §6.1).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                   STUN server name (variable)                 |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct ThirdPartyAuthorization: STUNAttribute, Hashable, Sendable {
        /// THIRD-PARTY-AUTHORIZATION.
        public static let type: UInt16 = 0x802e

        /// The server's name, which the authorization server is told.
        public let value: String

        /// A name, of which at most 127 characters are kept.
        public init(_ value: String) {
            self.value = TextCoding.limited(value)
        }

        /// Reads the value; throws where it is longer than 763 bytes or no UTF-8.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard let text = TextCoding.decodeExactly(value) else { throw .malformed(Self.self) }
            self.value = text
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(contentsOf: value.utf8)
        }
    }
}
