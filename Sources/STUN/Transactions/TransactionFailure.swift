/// How a transaction ended without an answer that may be believed.
public enum TransactionFailure: Error, Hashable, Sendable {
    /// Nobody answered in time.
    case timeout
    /// Answers came, but none was signed as it had to be (RFC 8489 §9.1.4).
    case integrityViolation
    /// The answer has attributes that must be understood and are not (RFC 8489 §6.3.3, §6.3.4).
    case unknownAttributes([UInt16])
    /// An error response without an ERROR-CODE, or with a malformed one (RFC 8489 §6.3.4).
    case malformedResponse
}
