package import NetBase

/// A channel's number and the peer that it stands for (RFC 8656 §12).
///
///     requested ──success──▶ bound ──600 s──▶ resting ──300 s──▶ gone
///         └───────────unanswered────────────────▲
///
/// While it rests, the number and the peer may be bound to each other again, but not to others.
package struct ChannelBinding: Hashable, Sendable {
    /// "A channel binding lasts for 10 minutes unless refreshed" (RFC 8656 §12).
    package static let lifetime = Duration.seconds(600)

    /// "the client MUST wait 5 minutes after the channel binding expires before attempting to bind the channel number to a different
    /// transport address or the transport address to a different channel number" (RFC 8656 §12).
    package static let restingTime = Duration.seconds(300)

    /// The channel's number.
    package let channel: ChannelNumber

    /// The peer's transport address, without a scope.
    package let peer: TransportAddress

    enum State: Hashable {
        case requested
        case bound(Lease)
        case resting
    }

    var state: State

    /// When the pair is free again at last; nil while no request can have reached the server.
    var restingEnd: Instant?

    /// Whether the server has confirmed it, and its time is not known to be up.
    var isBound: Bool {
        if case .bound = state { true } else { false }
    }

    func isBound(at now: Instant) -> Bool {
        guard case .bound(let lease) = state else { return false }
        return now < lease.expiry
    }

    /// When something is to be done next.
    var deadline: Instant? {
        switch state {
        case .requested: nil
        case .bound(let lease): lease.deadline
        case .resting: restingEnd
        }
    }

    /// Keeps the pair together for as long as a request that the server may have taken by now can matter.
    mutating func extendResting(from now: Instant) {
        let end = now + Self.lifetime + Self.restingTime
        restingEnd = max(restingEnd ?? end, end)
    }
}
