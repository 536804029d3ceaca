import NetBase

extension STUNMessage {
    /// What a client shows to keep its allocation when its address has changed (RFC 8016 §3.3): opaque, and empty where one is asked for.
    public struct MobilityTicket: STUNAttribute, Hashable, Sendable {
        /// MOBILITY-TICKET.
        public static let type: UInt16 = 0x8030

        /// The ticket as the server made it.
        public let value: [UInt8]

        /// An attribute with that ticket; an empty one asks for a ticket.
        public init(_ value: [UInt8] = []) {
            self.value = value
        }

        /// Takes any bytes.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            self.value = [UInt8](copying: value)
        }

        /// Appends the ticket.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes += value
        }
    }
}
