public import NetBase
public import STUN

/// How a ``SimulatedTURNServer`` behaves; everything may be changed while it runs, and holds from the next message on.
public struct TURNServerSettings: Sendable {
    /// The users' passwords by their names.
    public var users: [String: String]
    /// The realm that the users belong to.
    public var realm: String
    /// What the SOFTWARE attribute of responses says; nil for none.
    public var software: String? = "SimulatedTURNServer"

    // MARK: Credentials (RFC 8489 §9.2)

    /// The password algorithms on offer, in the order of preference; empty for MD5 alone, as RFC 5389 has it.
    public var passwordAlgorithms: [STUNPasswordAlgorithm] = []
    /// Whether USERHASH is taken in USERNAME's place.
    public var offersUserHash = false
    /// Whether nonces begin with RFC 8489's cookie.
    public var usesNonceCookie = true
    /// The name by which the server tells that it takes access tokens (RFC 7635); nil where it does not know them.
    ///
    /// ``SimulatedTURNServer/issueAccessToken(lifetime:)`` makes tokens, whose bearers all count as one user.
    public var thirdPartyName: String?
    /// How long a nonce is good before requests with it get a 438.
    public var nonceLifetime: Duration = .seconds(3600)

    // MARK: Lifetimes

    /// An allocation's lifetime where the client asks for none or for less, whole seconds (RFC 8656 §3.2: 10 minutes).
    public var defaultLifetime: Duration = .seconds(600)
    /// The longest lifetime that a client gets, whole seconds (RFC 8656 §7.2: one hour).
    public var maximumLifetime: Duration = .seconds(3600)
    /// How long a permission lasts (RFC 8656 §9: 300 seconds).
    public var permissionLifetime: Duration = .seconds(300)
    /// How long a channel binding lasts (RFC 8656 §12: 600 seconds).
    public var channelLifetime: Duration = .seconds(600)
    /// How long the port behind an even one is held (RFC 8656 §7.2: 30 seconds or more).
    public var reservationLifetime: Duration = .seconds(30)

    // MARK: Limits

    /// How many allocations one user may have before the next gets a 486; nil for any number.
    public var allocationsPerUser: Int?
    /// How many allocations there may be in all before the next gets a 508.
    public var allocationLimit = 4096
    /// How many permissions one allocation may have before the next gets a 508.
    public var permissionsPerAllocation = 1024
    /// How many channels one allocation may have before the next gets a 508; there are no more than 4096.
    public var channelsPerAllocation = 4096
    /// How many bytes may wait on a client's connection before peers' datagrams for it are dropped, and how many a peer may send before a
    /// client's connection is bound to its own.
    public var streamBacklog = 65_536

    // MARK: Relaying

    /// The families that relayed addresses are given in, of those that the host has addresses of; others get a 440.
    public var families: Set<IPAddress.Family> = [.v4, .v6]
    /// The ports of relayed addresses, of which each allocation gets a random one (RFC 8656 §7.2).
    public var relayPorts: ClosedRange<UInt16> = 49_152...65_535
    /// What becomes of clients that ask to keep their allocation when their address changes (RFC 8016).
    public var mobility = TURNMobility.unknown
    /// Whether relayed addresses may take connections in the place of datagrams (RFC 6062); else clients that ask for such get a 442.
    public var supportsTCPRelays = true
    /// How long the server tries to connect to a peer before the client gets a 447 (RFC 6062 §5.2: 30 seconds or more).
    public var connectTimeout: Duration = .seconds(30)
    /// How long a peer's connection waits for the client to bind one to it (RFC 6062 §5.2, §5.3: 30 seconds).
    public var bindTimeout: Duration = .seconds(30)
    /// Whether DONT-FRAGMENT is understood; else it is answered with a 420 (RFC 8656 §7.2).
    public var supportsDontFragment = true
    /// The peers that clients may not have: permissions for them get a 403.
    public var deniedPeers: TURNPeerKinds = [.local, .linkLocal, .multicast]
    /// Where Allocate requests are sent on to, with a 300; nil to serve them here.
    public var redirect: TURNRedirect?

    /// A server for the users of a realm, with RFC 8656's numbers.
    public init(users: [String: String], realm: String) {
        self.users = users
        self.realm = realm
    }
}

/// What a TURN server does with MOBILITY-TICKET (RFC 8016).
public enum TURNMobility: Hashable, Sendable {
    /// It does not know the attribute.
    case unknown
    /// It answers requests that have it with a 405.
    case forbidden
    /// It gives tickets, and lets an allocation follow its client at once.
    case allowed
}

/// Where a TURN server sends clients on to (RFC 8489 §10).
public struct TURNRedirect: Hashable, Sendable {
    /// The other server's addresses; a client is sent on only if one of them has the family that it came by.
    public var servers: [TransportAddress]
    /// The name in the other server's certificate, for ALTERNATE-DOMAIN.
    public var domain: String?
    /// Whether only clients that have shown their credentials are sent on, with a signed response; else anybody, unsigned.
    public var isAuthenticated: Bool

    /// Another server.
    public init(to servers: [TransportAddress], domain: String? = nil, isAuthenticated: Bool = true) {
        self.servers = servers
        self.domain = domain
        self.isAuthenticated = isAuthenticated
    }
}

/// Kinds of address that a TURN server may refuse to relay to (RFC 8656 §21.4 and common practice).
public struct TURNPeerKinds: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: Int

    /// A set from its bits.
    public init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// The server's own machine: loopback and unspecified addresses.
    public static let local = TURNPeerKinds(rawValue: 1)
    /// 169.254.0.0/16, where clouds keep their metadata, and fe80::/10.
    public static let linkLocal = TURNPeerKinds(rawValue: 2)
    /// Groups.
    public static let multicast = TURNPeerKinds(rawValue: 4)
    /// 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918) and fc00::/7 (RFC 4193).
    public static let privateUse = TURNPeerKinds(rawValue: 8)

    /// Whether an address is of one of the kinds; an IPv4-mapped one is what it maps.
    public func contains(_ address: IPAddress) -> Bool {
        let ip = address.unmapped
        return contains(.local) && (ip.isLoopback || ip.isUnspecified)
            || contains(.linkLocal) && ip.isLinkLocal
            || contains(.multicast) && ip.isMulticast
            || contains(.privateUse) && ip.isPrivateUse
    }
}

extension IPAddress {
    fileprivate var isPrivateUse: Bool {
        switch family {
        case .v4: low >> 24 == 10 || low >> 20 == 0xac1 || low >> 16 == 0xc0a8
        case .v6: high >> 57 == 0xfc >> 1
        }
    }
}
