package import NetBase
import STUN

/// What the client knows of its allocation: its copy of RFC 8656 §3.2's.
package struct AllocationState: Hashable, Sendable {
    /// The addresses that peers see: one, or one of each family, IPv4 first.
    package let relayedAddresses: [TransportAddress]

    /// Our address as the server sees it; nil where it did not say.
    package let reflexiveAddress: TransportAddress?

    /// The lifetime that the server gave at last.
    package let lifetime: Duration

    /// When the server forgets the allocation, at the earliest.
    package let expiry: Instant

    /// When the next Refresh request is due; nil where none will be sent.
    package let nextRefresh: Instant?

    /// What another allocation may ask for the port with that is held back (RFC 8656 §18.10).
    package let reservationToken: UInt64?

    /// Why one of two families was not allocated, and when it may be asked for again.
    package let refusedFamily: RefusedFamily?

    /// The permissions, in the order of their first installation.
    package let permissions: [Permission]

    /// The channels that are bound, in the order of their numbers.
    package let channels: [ChannelBinding]
}

/// Why one of two address families was not allocated (RFC 8656 §7.3).
package struct RefusedFamily: Hashable, Sendable {
    /// The family.
    package let family: IPAddress.Family

    /// 440 or 508.
    package let code: Int

    /// The server's words.
    package let reason: String

    /// Whether it may be asked for again: never after 440, after a minute after 508.
    package let retry: RetryRule

    /// Why a family was not allocated; RFC 8656 §7.3 knows two codes, of which 508 alone may pass.
    package init(family: IPAddress.Family, code: Int, reason: String) {
        self.family = family
        self.code = code
        self.reason = reason
        retry = code == 508 ? .after(AllocationClient.capacityPause) : .never
    }
}
