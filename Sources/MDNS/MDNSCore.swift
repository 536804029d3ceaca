import DNS
import DequeModule
package import NetBase

/// Multicast DNS for the names of candidates, without I/O (RFC 6762): it looks up those of peers and answers for its own.
///
/// The shell calls an input, then performs effects until there are none, then sets its alarm to ``deadline``. It is no complete responder:
/// it knows UUIDs below `.local` with one address each, which nobody else has, so that it does not probe, and it remembers only answers that
/// it has asked for.
package struct MDNSCore {
    /// Who wants names looked up; each has its share of the queries.
    package struct ClientID: Hashable, Sendable {
        let number: Int
        /// An ID that the shell chooses.
        package init(_ number: Int) { self.number = number }
    }

    /// What the shell is to do.
    package enum Effect: Hashable, Sendable {
        /// Send to the group of each address family, over every interface.
        case multicast([UInt8])
        /// Send to one address.
        case unicast([UInt8], to: TransportAddress)
        /// A name has an address: tell those who asked.
        case resolved(MulticastName, IPAddress)
        /// A name has none, or more than one: tell those who asked.
        case failed(MulticastName, MDNSFailure)
    }

    /// How many names are looked up at a time, by all and by one client.
    package static let queryLimit = 64
    package static let clientQueryLimit = 16

    /// RFC 6762 §3: "any DNS query for a name ending with ".local." MUST be sent to the mDNS IPv4 link-local multicast address 224.0.0.251
    /// (or its IPv6 equivalent FF02::FB)", to UDP port 5353.
    package static func group(_ family: IPAddress.Family) -> TransportAddress {
        let ip = family == .v4 ? IPAddress(v4: 0xe000_00fb) : IPAddress(v6High: 0xff02_0000_0000_0000, low: 0xfb)
        return TransportAddress(ip, port: port)
    }

    package static let port: UInt16 = 5353

    var queries: [Query] = []
    var cache = AnswerCache()
    var publications: [Publication] = []
    var unicastAllowance = UnicastAllowance()
    private var effects: Deque<Effect> = []

    /// A core that knows nothing yet.
    package init() {}

    /// The next thing to do; nil when all is done.
    package mutating func nextEffect() -> Effect? { effects.popFirst() }

    mutating func emit(_ effect: Effect) { effects.append(effect) }

    /// When ``advance(to:)`` wants to be called next.
    package var deadline: Instant? {
        (queries.map(\.deadline) + publications.compactMap(\.nextMulticast)).min()
    }

    /// Does what has become due.
    package mutating func advance(to now: Instant) {
        advanceQueries(to: now)
        advancePublications(to: now)
    }

    /// Takes a datagram that came to the port of multicast DNS, be it from whomever.
    ///
    /// - Parameter isOnLink: Whether its sender is on a link of this machine (RFC 6762 §11): from anywhere else nothing is taken.
    package mutating func receive(_ bytes: Span<UInt8>, from source: TransportAddress, isOnLink: Bool, at now: Instant)
    {
        // What nobody can need is not even taken apart.
        guard isOnLink, bytes.count > 2, !(queries.isEmpty && publications.isEmpty && cache.isEmpty) else { return }
        let isResponse = bytes[2] & 0x80 != 0
        guard isResponse ? !(queries.isEmpty && cache.isEmpty) : !publications.isEmpty,
            let message = try? DNSMessage(parsing: bytes), message.isOrdinary
        else { return }
        if message.isResponse {
            // RFC 6762 §6: "Multicast DNS implementations MUST silently ignore any Multicast DNS responses they receive where the source
            // UDP port is not 5353."
            guard source.port == Self.port else { return }
            take(message.answers + message.additionals, at: now)
        } else {
            answer(message, from: source, at: now)
        }
    }
}

/// Why a name gave no address.
package enum MDNSFailure: Error, Hashable, Sendable {
    /// Nobody on the link has answered.
    case noAnswer
    /// It has several addresses: a name that hides one has exactly one.
    case ambiguous
    /// Too many names are being looked up already.
    case tooMany
}

extension MDNSCore {
    /// How many answers are remembered.
    package var cachedCount: Int { cache.count }
}
