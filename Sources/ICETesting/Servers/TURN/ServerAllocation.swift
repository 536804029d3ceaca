import NetBase
import STUN
import TURNCore

/// One allocation as the server keeps it (RFC 8656 §6): its relayed addresses, and who may use them.
struct ServerAllocation {
    /// A relayed address and when it goes; a dual allocation has one of each family, with times of their own (RFC 8656 §8.1).
    struct Relay {
        let address: TransportAddress
        var expiry: Instant
    }

    struct Channel {
        let peer: TransportAddress
        var expiry: Instant
    }

    private(set) var tuple: TURNFiveTuple
    /// What moves it to another five-tuple, and the one before, by which a repeated request is known.
    private(set) var tickets: (now: [UInt8], before: [UInt8])?
    let username: String
    /// The request that made it: when that comes again, the answer was lost (RFC 8656 §7.2).
    let transactionID: STUNTransactionID
    /// Dictionaries have no order that is the same in every process.
    let ordinal: Int
    /// Whether its relayed addresses take connections, instead of datagrams (RFC 6062).
    let speaksTCP: Bool
    let reservationToken: UInt64?
    let addressErrors: [STUNMessage.AddressErrorCode]
    var relays: [Relay]
    private(set) var permissions: [IPAddress: Instant] = [:]
    private(set) var channels: [ChannelNumber: Channel] = [:]
    private var numbers: [TransportAddress: ChannelNumber] = [:]

    init(
        _ tuple: TURNFiveTuple, username: String, transactionID: STUNTransactionID, ordinal: Int, speaksTCP: Bool,
        relays: [Relay], reservationToken: UInt64?, addressErrors: [STUNMessage.AddressErrorCode]
    ) {
        self.tuple = tuple
        self.username = username
        self.transactionID = transactionID
        self.ordinal = ordinal
        self.speaksTCP = speaksTCP
        self.relays = relays
        self.reservationToken = reservationToken
        self.addressErrors = addressErrors
    }

    func relay(_ family: IPAddress.Family) -> Relay? { relays.first { $0.address.family == family } }

    func allows(_ peer: IPAddress, at now: Instant) -> Bool { permissions[peer].map { now < $0 } ?? false }

    func channel(to peer: TransportAddress, at now: Instant) -> ChannelNumber? {
        numbers[peer].flatMap { self.peer(on: $0, at: now) == nil ? nil : $0 }
    }

    func peer(on channel: ChannelNumber, at now: Instant) -> TransportAddress? {
        channels[channel].flatMap { now < $0.expiry ? $0.peer : nil }
    }

    /// How many permissions there would be with some more.
    func permissionCount(with peers: some Sequence<IPAddress>) -> Int {
        Set(permissions.keys).union(peers).count
    }

    mutating func giveTicket(_ ticket: [UInt8]) { tickets = (ticket, tickets?.now ?? []) }

    mutating func move(to tuple: TURNFiveTuple) { self.tuple = tuple }

    mutating func permit(_ peer: IPAddress, until expiry: Instant) { permissions[peer] = expiry }

    mutating func bind(_ channel: ChannelNumber, to peer: TransportAddress, until expiry: Instant) {
        channels[channel] = Channel(peer: peer, expiry: expiry)
        numbers[peer] = channel
    }

    /// Takes the relayed address of a family away; permissions and channels of the other stay (RFC 8656 §8.1).
    mutating func removeRelay(_ family: IPAddress.Family) {
        relays.removeAll { $0.address.family == family }
        permissions = permissions.filter { $0.key.family != family }
        removeChannels { $0.peer.family == family }
    }

    /// Forgets what has run out; the data path looks at the times itself.
    mutating func prune(at now: Instant) {
        permissions = permissions.filter { now < $0.value }
        removeChannels { $0.expiry <= now }
    }

    private mutating func removeChannels(where isGone: (Channel) -> Bool) {
        channels = channels.filter { !isGone($0.value) }
        numbers = numbers.filter { channels[$0.value] != nil }
    }
}
