extension STUNMessage {
    /// Nominates the pair that the check runs on; length 0 (RFC 8445 §16.1).
    public struct UseCandidate: STUNAttribute, Hashable, Sendable {
        /// USE-CANDIDATE.
        public static let type: UInt16 = 0x0025

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
