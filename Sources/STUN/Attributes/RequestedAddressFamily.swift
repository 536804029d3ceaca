public import NetBase

extension STUNMessage {
    /// The family of the relayed address that the client wants (RFC 8656 §18.6).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |     Family    |                    Reserved                   |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct RequestedAddressFamily: STUNAttribute, Hashable, Sendable {
        /// REQUESTED-ADDRESS-FAMILY.
        public static let type: UInt16 = 0x0017

        /// IPv4 or IPv6.
        public let family: IPAddress.Family

        /// A request for a family.
        public init(_ family: IPAddress.Family) {
            self.family = family
        }

        /// Reads the value; throws where it is not 4 bytes long or names another family.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 4, let family = IPAddress.Family(rawValue: value[0]) else {
                throw .malformed(Self.self)
            }
            self.family = family
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(bigEndian: UInt32(family.rawValue) << 24)
        }
    }
}
