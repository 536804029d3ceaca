/// The attribute types that a receiver understands, against which unknown ones are told.
public struct STUNAttributeSet: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// One bit for each type below 64, where all required ones of the RFCs lie.
    private var low: UInt64 = 0
    private var others: [UInt16] = []

    /// A set of type numbers.
    public init(_ types: some Sequence<UInt16>) {
        for type in types { insert(type) }
    }

    /// A set of type numbers.
    public init(arrayLiteral types: UInt16...) {
        self.init(types)
    }

    /// Whether the type is understood.
    public func contains(_ type: UInt16) -> Bool {
        type < 64 ? low >> type & 1 == 1 : others.contains(type)
    }

    /// Whether all of some types below 64 are understood, of which each is a bit.
    func contains(low types: UInt64) -> Bool { types & ~low == 0 }

    /// Adds a type.
    public mutating func insert(_ type: UInt16) {
        if type < 64 {
            low |= 1 << type
        } else if !others.contains(type) {
            others.append(type)
        }
    }

    /// The types of both sets.
    public func union(_ other: STUNAttributeSet) -> STUNAttributeSet {
        var result = self
        result.low |= other.low
        for type in other.others { result.insert(type) }
        return result
    }

    /// The attributes of RFC 8489 that must be understood: addresses, credentials, errors.
    public static let stun: STUNAttributeSet = [
        STUNMessage.MappedAddress.type, STUNMessage.XORMappedAddress.type, STUNMessage.Username.type,
        STUNMessage.UserHash.type, STUNMessage.MessageIntegrity.type, STUNMessage.MessageIntegritySHA256.type,
        STUNMessage.ErrorCode.type, STUNMessage.UnknownAttributes.type, STUNMessage.Realm.type, STUNMessage.Nonce.type,
        STUNMessage.PasswordAlgorithm.type,
    ]

    /// Those, and RFC 8445's.
    public static let ice: STUNAttributeSet = stun.union([
        STUNMessage.Priority.type, STUNMessage.UseCandidate.type,
    ])

    /// Those of RFC 8489, and RFC 8656's, RFC 6062's and RFC 7635's.
    public static let turn: STUNAttributeSet = stun.union([
        STUNMessage.ChannelNumber.type, STUNMessage.Lifetime.type, STUNMessage.XORPeerAddress.type,
        STUNMessage.Data.type, STUNMessage.XORRelayedAddress.type, STUNMessage.RequestedAddressFamily.type,
        STUNMessage.EvenPort.type, STUNMessage.RequestedTransport.type, STUNMessage.DontFragment.type,
        STUNMessage.ReservationToken.type, STUNMessage.ConnectionID.type, STUNMessage.AccessToken.type,
    ])

    /// Those of RFC 8489, and RFC 5780's.
    public static let natBehavior: STUNAttributeSet = stun.union([
        STUNMessage.ChangeRequest.type, STUNMessage.Padding.type, STUNMessage.ResponsePort.type,
    ])

    /// Everything that has a type in this module.
    public static let all: STUNAttributeSet = ice.union(turn).union(natBehavior)
}
