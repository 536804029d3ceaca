/// Which of the two agents decides on the pair that is used (RFC 8445 §6.1.1).
public enum Role: String, Hashable, Sendable, Encodable {
    /// Nominates pairs; the agent that made the offer.
    case controlling
    /// Accepts what is nominated.
    case controlled

    /// The other role.
    public var opposite: Role { self == .controlling ? .controlled : .controlling }
}

/// The random 64-bit number that settles who controls when both agents think they do (RFC 8445 §7.3.1.1).
package struct TieBreaker: Hashable, Sendable {
    package let value: UInt64

    package init(_ value: UInt64) { self.value = value }

    package init(using generator: inout some RandomNumberGenerator) {
        value = generator.next()
    }
}

/// What an agent does about a request whose sender claims a role (RFC 8445 §7.3.1.1).
package enum RoleVerdict: Hashable, Sendable {
    /// The roles differ, or the request claims none: go on.
    case noConflict
    /// Both have the same role and the sender has to change: answer 487.
    case senderMustSwitch
    /// Both have the same role and this agent has to change: switch, then go on.
    case switchRole

    /// Settles a request that carries the sender's claimed role and tiebreaker.
    ///
    /// The larger or equal tiebreaker of the agent that received the request wins the controlling role.
    package init(own: Role, tieBreaker: TieBreaker, claimed: Role, claimedTieBreaker: TieBreaker) {
        guard own == claimed else {
            self = .noConflict
            return
        }
        let ownIsLarger = tieBreaker.value >= claimedTieBreaker.value
        switch own {
        case .controlling: self = ownIsLarger ? .senderMustSwitch : .switchRole
        case .controlled: self = ownIsLarger ? .switchRole : .senderMustSwitch
        }
    }
}
