import DequeModule
import NetBase
import STUN

extension AllocationClient {
    mutating func advanceAllocation(to now: Instant) {
        guard case .allocated(var allocation) = lifecycle else { return }
        if allocation.expiry <= now {
            return end(.lost(authenticator.awaitsToken(at: now) ? .accessTokenExpired : .expired), at: now)
        }
        guard let due = allocation.refreshDue, due <= now else { return }
        allocation.refreshDue = nil
        lifecycle = .allocated(allocation)
        if authenticator.awaitsToken(at: now) { return }
        waiting.prepend(TURNRequest(.refresh(seconds: Self.seconds(options.lifetime), nil), isAutomatic: true))
    }

    /// Nil where the allocation is left to expire.
    mutating func drawRefreshInterval(of lifetime: Duration) -> Duration? {
        options.refreshesAllocation ? RefreshInterval.ofAllocation(living: lifetime, using: &generator) : nil
    }

    /// RFC 8656 §8.3.
    mutating func refreshed(
        _ seconds: UInt32, _ family: IPAddress.Family?, _ response: STUNMessage, requestedAt: Instant, at now: Instant
    ) {
        switch (seconds, family) {
        case (0, nil): return released(at: now)
        case (0, let family?): return released(family, at: now)
        default: break
        }
        guard case .allocated(var allocation) = lifecycle else { return }
        let lifetime = response.lifetime ?? .seconds(Int64(seconds))
        guard lifetime > .zero else { return end(.lost(.forgotten), at: now) }
        allocation.prolong(lifetime, requestedAt: requestedAt, refreshAfter: drawRefreshInterval(of: lifetime))
        lifecycle = .allocated(allocation)
        keepTicket(of: response)
        tell(.refreshed(lifetime: lifetime))
    }

    /// What was given back because it was not wanted has been told of before.
    private mutating func released(at now: Instant) {
        if case .releasing = lifecycle { end(.released, at: now) }
    }

    /// "it MUST NOT affect any permissions or channels associated with allocations for the other address family" (RFC 8656 §8.1).
    private mutating func released(_ family: IPAddress.Family, at now: Instant) {
        guard case .allocated(var allocation) = lifecycle else { return }
        allocation.relayedAddresses.removeAll { $0.family == family }
        if allocation.relayedAddresses.isEmpty { return end(.released, at: now) }
        lifecycle = .allocated(allocation)
        permissions.remove(family)
        channels.remove(family)
        tell(.familyReleased(family))
    }

    /// Nobody answered: asks again until the allocation must be gone.
    mutating func refreshUnanswered(_ seconds: UInt32, _ family: IPAddress.Family?, at now: Instant) {
        if seconds == 0, family == nil { return released(at: now) }
        refreshLater(than: now)
    }

    mutating func refreshLater(than now: Instant) {
        guard options.refreshesAllocation, case .allocated(var allocation) = lifecycle else { return }
        allocation.refreshDue = now + Self.retryInterval
        lifecycle = .allocated(allocation)
    }

    /// A 437 means that there is nothing there any more, which is all that was wanted of a request to give back.
    mutating func refreshFailed(
        _ seconds: UInt32, _ family: IPAddress.Family?, _ error: STUNMessage.ErrorCode, at now: Instant
    ) {
        switch (seconds, family, error.code) {
        case (0, nil, 437): return released(at: now)
        case (1..., _, 437) where move(at: now): return
        case (_, _, 437):
            tell(.error(.refresh, error))
            return lose(.forgotten, at: now)
        default: tell(.error(.refresh, error))
        }
        if seconds == 0 {
            if family == nil { released(at: now) }
        } else if error.isPassing {
            refreshLater(than: now)
        }
    }
}
