import NetBase
import STUN

extension AllocationClient {
    /// Where the allocation stands.
    enum Lifecycle {
        /// Nothing was asked for yet.
        case idle
        /// The Allocate request is on its way.
        case allocating
        /// The server has it.
        case allocated(Allocation)
        /// It is being given back, with so many of its last request's answers to come.
        case releasing
        /// There is none any more, or there never was, and this is when to ask again.
        case over(RetryRule, since: Instant)

        var allocation: Allocation? {
            if case .allocated(let allocation) = self { allocation } else { nil }
        }

        var isAllocated: Bool {
            if case .allocated = self { true } else { false }
        }

        func allowsAllocating(at now: Instant) -> Bool {
            switch self {
            case .idle: true
            case .allocating, .allocated, .releasing: false
            case .over(let rule, let since):
                switch rule {
                case .never, .overAnotherTransport: false
                case .after(let pause): now >= since + pause
                case .withoutPortDemands, .anyTime: true
                }
            }
        }
    }

    /// What the server gave, and until when.
    struct Allocation {
        var relayedAddresses: [TransportAddress]
        let reflexiveAddress: TransportAddress?
        let reservationToken: UInt64?
        let refusedFamily: RefusedFamily?
        var lifetime: Duration
        var expiry: Instant
        /// Nil while the request is on its way, and where none will be sent.
        var refreshDue: Instant?
        /// What keeps the allocation when the client's address changes; nil where the server gives none.
        var ticket: [UInt8]?

        var deadline: Instant { refreshDue.map { min($0, expiry) } ?? expiry }

        func hasAddress(for family: IPAddress.Family) -> Bool {
            relayedAddresses.contains { $0.family == family }
        }

        /// Counts a lifetime from the request that it answers: the server's own count cannot have begun before.
        ///
        /// - Parameter interval: How long after that request it is refreshed; nil for never.
        mutating func prolong(_ lifetime: Duration, requestedAt: Instant, refreshAfter interval: Duration?) {
            self.lifetime = lifetime
            expiry = requestedAt + lifetime
            refreshDue = interval.map { requestedAt + $0 }
        }
    }
}
