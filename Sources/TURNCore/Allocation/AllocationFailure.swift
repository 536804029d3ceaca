package import NetBase
package import STUN

/// Whether a request for an allocation may be repeated (RFC 8656 §7.4).
package enum RetryRule: Hashable, Sendable {
    /// Not before somebody has changed something: credentials, options, server.
    case never
    /// Not earlier than so long from now.
    case after(Duration)
    /// At once, but without EVEN-PORT and RESERVATION-TOKEN: the next ``AllocationClient/allocate(at:)`` leaves them out.
    case withoutPortDemands
    /// With this server over another transport.
    case overAnotherTransport
    /// At any time.
    case anyTime
}

/// Why there is no allocation, and whether to try again.
package struct AllocationFailure: Error, Hashable, Sendable {
    /// What happened.
    package enum Cause: Hashable, Sendable {
        /// The server said no.
        case refused(code: Int, reason: String)
        /// The server does not take our credentials, or asks for them in a way that must not be answered.
        case unauthorized(LongTermAuthenticator.Refusal)
        /// There is no access token that the server takes, and no password.
        case accessToken(AccessTokenRefusal)
        /// No answer that may be believed; with it the error that an unsigned answer gave, for people.
        case unanswered(TransactionFailure, unauthenticated: STUNMessage.ErrorCode?)
        /// The server gave addresses of a family that was not asked for; they were given back (RFC 8656 §7.3).
        case unwantedFamily
        /// A success response without a relayed address or a lifetime.
        case malformedResponse
        /// The way to the server broke.
        case linkFailed(NetworkError?)
    }

    /// What happened.
    package let cause: Cause

    /// Whether to try again.
    package let retry: RetryRule

    /// A failure and what follows from it.
    package init(cause: Cause, retry: RetryRule) {
        self.cause = cause
        self.retry = retry
    }
}

/// Why an allocation that was there is gone.
package enum AllocationLoss: Error, Hashable, Sendable {
    /// The server does not know it: it was restarted, or somebody else deleted it (RFC 8656 §5, §8.3).
    case forgotten
    /// It ran out: refreshes were refused, not answered, or turned off.
    case expired
    /// The access token ran out, and no other was taken in its place (RFC 7635 §9).
    case accessTokenExpired
    /// The server refused a channel with 400, so that both ends disagree; the rest was given back (RFC 8656 §12.3).
    case channelMismatch
    /// The way to the server broke.
    case linkFailed(NetworkError?)
}

/// Why a permission, a channel or a peer's connection is not there.
package enum RequestFailure: Error, Hashable, Sendable {
    /// The server said no.
    case refused(code: Int, reason: String)
    /// No answer that may be believed.
    case unanswered(TransactionFailure)
    /// No relayed address has the peer's family (RFC 8656 §10.1).
    case familyMismatch
    /// There is no allocation, nor one on its way.
    case noAllocation
    /// There are too many already.
    case tooMany
    /// The relayed address speaks UDP where TCP is needed, or the other way round.
    case otherTransport
    /// The server could not reach the peer just now, and may be asked again after so long (RFC 6062 §4.3).
    case tooEarly(Duration)
    /// What came on a connection that was to be bound is not STUN.
    case notSTUN
}
