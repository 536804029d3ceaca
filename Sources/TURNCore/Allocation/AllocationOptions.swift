package import NetBase
package import STUN

/// What an ``AllocationClient`` asks the server for, and how.
package struct AllocationOptions: Sendable {
    /// What is wanted of the relayed port (RFC 8656 §7.1).
    package enum EvenPort: Hashable, Sendable {
        /// An even port.
        case alone
        /// An even port, and the next one held back for another allocation (RFC 8656 §18.7: R = 1).
        case reservingNext
    }

    /// What peers and the relayed address speak.
    package enum RelayTransport: UInt8, Hashable, Sendable {
        /// Datagrams, of which each tells its peer: "17: UDP" (RFC 8656 §18.8).
        case udp = 17
        /// Connections, of which each has one of its own to the server, too: "a REQUESTED-TRANSPORT attribute whose value is 6" (RFC 6062
        /// §4.1). The way to the server must be TCP or TLS.
        case tcp = 6
    }

    /// Two wishes that RFC 8656 §7.1, or RFC 6062 §4.1, does not allow in one request.
    package enum Conflict: Error, Hashable, Sendable {
        /// A reserved port is what it is: EVEN-PORT may not go with RESERVATION-TOKEN.
        case evenPortWithToken
        /// A token stands for one address: ADDITIONAL-ADDRESS-FAMILY may not go with it.
        case familiesWithToken
        /// A port can be held back in one family only: ADDITIONAL-ADDRESS-FAMILY may not go with R = 1.
        case familiesWithReservation
        /// "The request MUST NOT include a DONT-FRAGMENT, RESERVATION-TOKEN, or EVEN-PORT attribute" (RFC 6062 §4.1).
        case datagramWishWithTCP
    }

    /// The name that the server knows us by.
    package var username: String

    /// The password that goes with it.
    package var password: String

    /// Whether there is somebody to ask for access tokens, which go before name and password (RFC 7635).
    package var asksForAccessTokens = false

    /// How both are brought into the form that is hashed.
    package var preparation = StringPreparation.none

    /// The lifetime that is asked for; the server may give another (RFC 8656 §7.2).
    package var lifetime = Duration.seconds(600)

    /// What peers and the relayed address speak.
    package var relayTransport = RelayTransport.udp

    /// The families of the relayed addresses: one, or both.
    package var families: Set<IPAddress.Family> = [.v4]

    /// Whether the relayed port is to be even; nil for any.
    package var evenPort: EvenPort?

    /// What stands for the port that another allocation had held back; nil for any port.
    package var reservationToken: UInt64?

    /// Whether datagrams to peers must not be fragmented; given up where the server does not know how (RFC 8656 §7.4).
    package var isDontFragment = false

    /// What Allocate and Refresh requests say in SOFTWARE; nil leaves it out (RFC 8656 §5).
    package var software: String?

    /// Whether requests carry FINGERPRINT (RFC 8656 §5).
    package var usesFingerprint = true

    /// Whether the allocation is refreshed before it expires.
    package var refreshesAllocation = true

    /// Whether to ask for a ticket that keeps the allocation when the client's address changes (RFC 8016).
    package var wantsMobility = false

    /// Whether permissions are refreshed before they expire.
    package var refreshesPermissions = true

    /// Whether channels are bound anew before they expire.
    package var refreshesChannels = true

    /// When requests are repeated and given up; the timeout grows with the round trips that were measured.
    package var retransmission = RetransmissionSchedule()

    /// Credentials, and one IPv4 address for ten minutes.
    package init(username: String, password: String) {
        self.username = username
        self.password = password
    }

    /// The first two wishes that exclude each other; nil where all can be asked for. Where there is one, TCP wins over all, the token over
    /// the others, and both families over the port held back.
    package var conflict: Conflict? {
        if relayTransport == .tcp, isDontFragment || evenPort != nil || reservationToken != nil {
            return .datagramWishWithTCP
        }
        if reservationToken != nil {
            if evenPort != nil { return .evenPortWithToken }
            return families.count > 1 ? .familiesWithToken : nil
        }
        return families.count > 1 && evenPort == .reservingNext ? .familiesWithReservation : nil
    }
}
