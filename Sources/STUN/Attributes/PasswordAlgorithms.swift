extension STUNMessage {
    /// The ways of deriving the long-term key that a server offers, the best first (RFC 8489 §14.11).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |          Algorithm 1          | Algorithm 1 Parameters Length |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |               Algorithm 1 Parameters (variable)               |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |          Algorithm 2          | Algorithm 2 Parameters Length |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |   Algorithm 2 Parameters (variable)                     ...   |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct PasswordAlgorithms: STUNAttribute, Hashable, Sendable {
        /// PASSWORD-ALGORITHMS.
        public static let type: UInt16 = 0x8002

        /// The algorithms.
        public let value: [PasswordAlgorithm]

        /// A list of algorithms.
        public init(_ value: [PasswordAlgorithm]) {
            self.value = value
        }

        /// Reads the value; throws where the last algorithm is cut off.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            var list: [PasswordAlgorithm] = []
            var offset = 0
            while offset < value.count {
                list.append(try PasswordAlgorithm(next: value, &offset, in: Self.self))
            }
            self.value = list
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            for algorithm in value { algorithm.encode(into: &bytes, transactionID: transactionID) }
        }
    }
}
