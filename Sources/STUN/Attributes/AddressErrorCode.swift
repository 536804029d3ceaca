public import NetBase

extension STUNMessage {
    /// Why one of two address families was not allocated (RFC 8656 §18.12).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |     Family    |         Reserved        |Class|     Number    |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |   Reason Phrase (variable)                                ..  |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct AddressErrorCode: STUNAttribute, Hashable, Sendable {
        /// ADDRESS-ERROR-CODE.
        public static let type: UInt16 = 0x8001

        /// The family that was not allocated.
        public let family: IPAddress.Family

        /// The code: 440 or 508.
        public let code: Int

        /// The reason, for people.
        public let reason: String

        /// A family, a code, brought into 300 to 699, and a reason, of which at most 127 characters are kept.
        public init(family: IPAddress.Family, code: Int, reason: String) {
            self.family = family
            self.code = ErrorCoding.limited(code)
            self.reason = TextCoding.limited(reason)
        }

        /// Reads the value; throws where family, class or number is out of range or the reason longer than 763 bytes.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard let error = ErrorCoding.decode(value), let family = IPAddress.Family(rawValue: value[0]) else {
                throw .malformed(Self.self)
            }
            self.family = family
            (code, reason) = error
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            ErrorCoding.encode(code, reason, firstByte: family.rawValue, into: &bytes)
        }
    }
}
