import NetBase

/// Whether datagrams may go to a destination as one large one that the kernel, or the card, cuts up (UDP GSO).
///
/// Where a smaller MTU lies on the way, or the card does not do it, the system refuses; then they go one by one. Routes change, and the next
/// destination may have another one, so that nothing is given up for long.
struct JoiningMemory {
    /// Whether the system knows of it at all.
    let isPossible: Bool
    private var refusal: (destination: TransportAddress, callsLeft: Int)?

    /// The calls after which a refused destination is tried again: often enough to notice, and seldom enough to cost nothing.
    static let callsAfterRefusal = 64

    init(isPossible: Bool) { self.isPossible = isPossible }

    /// Asked once for each call.
    mutating func mayJoin(to destination: TransportAddress) -> Bool {
        guard isPossible else { return false }
        guard let refused = refusal, refused.destination == destination else { return true }
        refusal = refused.callsLeft > 1 ? (destination, refused.callsLeft - 1) : nil
        return false
    }

    /// The system did not take them joined.
    mutating func refused(by destination: TransportAddress) {
        refusal = (destination, Self.callsAfterRefusal)
    }
}
