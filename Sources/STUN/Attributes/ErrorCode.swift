extension STUNMessage {
    /// Why a request was not fulfilled (RFC 8489 §14.8).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |          Reserved, should be 0          |Class|     Number    |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |   Reason Phrase (variable)                                ..  |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct ErrorCode: STUNAttribute, Hashable, Sendable {
        /// ERROR-CODE.
        public static let type: UInt16 = 0x0009

        /// The code, 300 to 699.
        public let code: Int

        /// The reason, for people.
        public let reason: String

        /// A code, brought into 300 to 699, and a reason, of which at most 127 characters are kept.
        public init(code: Int, reason: String) {
            self.code = ErrorCoding.limited(code)
            self.reason = TextCoding.limited(reason)
        }

        /// Reads the value; throws where class or number is out of range or the reason longer than 763 bytes.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard let error = ErrorCoding.decode(value) else { throw .malformed(Self.self) }
            (code, reason) = error
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            ErrorCoding.encode(code, reason, firstByte: 0, into: &bytes)
        }
    }
}

extension STUNMessage.ErrorCode {
    /// 300: another server should be asked (RFC 8489 §14.8).
    public static let tryAlternate = Self(code: 300, reason: "Try Alternate")
    /// 400: the request is malformed (RFC 8489 §14.8).
    public static let badRequest = Self(code: 400, reason: "Bad Request")
    /// 401: the credentials are missing or wrong (RFC 8489 §14.8).
    public static let unauthenticated = Self(code: 401, reason: "Unauthenticated")
    /// 403: the sender may not do this; in ICE, consent is taken back (RFC 7675 §5.2, RFC 8656 §19).
    public static let forbidden = Self(code: 403, reason: "Forbidden")
    /// 420: an attribute that must be understood was not (RFC 8489 §14.8).
    public static let unknownAttribute = Self(code: 420, reason: "Unknown Attribute")
    /// 438: the nonce has expired (RFC 8489 §14.8).
    public static let staleNonce = Self(code: 438, reason: "Stale Nonce")
    /// 487: both agents claim the same role (RFC 8445 §16.2).
    public static let roleConflict = Self(code: 487, reason: "Role Conflict")
    /// 500: a passing trouble of the server's (RFC 8489 §14.8).
    public static let serverError = Self(code: 500, reason: "Server Error")
}
