import NetBase

extension STUNMessage {
    /// What an authorization server gave the client for the server, which alone can read it (RFC 7635 §6.2).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |          nonce_length         |       nonce (variable)        |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                   encrypted_block (variable)                  |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct AccessToken: STUNAttribute, Hashable, Sendable {
        /// ACCESS-TOKEN.
        public static let type: UInt16 = 0x001b

        /// The token: "opaque to the client, and the client MUST NOT examine the token".
        public let value: [UInt8]

        /// A token as it was given.
        public init(_ value: [UInt8]) {
            self.value = value
        }

        /// Takes any bytes; throws where there are none.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard !value.isEmpty else { throw .malformed(Self.self) }
            self.value = [UInt8](copying: value)
        }

        /// Appends the token.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes += value
        }
    }
}
