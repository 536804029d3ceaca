extension STUNMessage {
    /// Asks the server to set the DF bit towards the peer; length 0 (RFC 8656 §18.9).
    public struct DontFragment: STUNAttribute, Hashable, Sendable {
        /// DONT-FRAGMENT.
        public static let type: UInt16 = 0x001a

        /// The flag, which has no value.
        public init() {}

        /// Reads the value; throws where there is one.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.isEmpty else { throw .malformed(Self.self) }
        }

        /// Appends nothing.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {}
    }
}
