extension STUNMessage {
    /// Why a datagram to a peer was dropped on its way (RFC 8656 §18.13).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |            Reserved           |   ICMP Type   |   ICMP Code   |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                           Error Data                          |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct ICMP: STUNAttribute, Hashable, Sendable {
        /// ICMP.
        public static let type: UInt16 = 0x8004

        /// The ICMP type, whose meaning depends on the peer's address family.
        public let icmpType: UInt8

        /// The ICMP code.
        public let icmpCode: UInt8

        /// The next hop's MTU in bytes for "packet too big" and "fragmentation needed", else 0.
        public let errorData: UInt32

        /// What an ICMP message said.
        public init(icmpType: UInt8, icmpCode: UInt8, errorData: UInt32 = 0) {
            self.icmpType = icmpType
            self.icmpCode = icmpCode
            self.errorData = errorData
        }

        /// Reads the value; throws where it is not 8 bytes long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 8 else { throw .malformed(Self.self) }
            icmpType = value[2]
            icmpCode = value[3]
            errorData = value.uint32(at: 4)
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(bigEndian: UInt32(icmpType) << 8 | UInt32(icmpCode))
            bytes.append(bigEndian: errorData)
        }
    }
}
