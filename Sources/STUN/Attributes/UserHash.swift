import Digest
import NetBase

extension STUNMessage {
    /// Stands for a user without naming it (RFC 8489 §14.4).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                       SHA-256 (256 bits)                      |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct UserHash: STUNAttribute, Hashable, Sendable {
        /// USERHASH.
        public static let type: UInt16 = 0x001e

        /// The 32 bytes of the hash.
        public let value: [UInt8]

        /// "userhash = SHA-256(OpaqueString(username) ":" OpaqueString(realm))"; nil where libcrypto refuses.
        public init?(username: String, realm: String, preparation: StringPreparation = .none) {
            let text = preparation.apply(to: username) + ":" + preparation.apply(to: realm)
            guard let digest = HashFunction.sha256.digest(of: Array(text.utf8)) else { return nil }
            value = digest
        }

        /// Reads the value; throws where it is not 32 bytes long.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            guard value.count == 32 else { throw .malformed(Self.self) }
            self.value = [UInt8](copying: value)
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes += value
        }
    }
}
