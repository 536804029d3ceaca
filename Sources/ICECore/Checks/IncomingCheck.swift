package import NetBase
package import STUN

/// A check from the peer that carries our credentials, before anything is done about it (RFC 8445 §7.3).
package struct IncomingCheck {
    package let request: CheckView
    package let source: TransportAddress
    package let socket: SocketID
    package let path: StreamComponent
    /// The username fragment that the sender says is its own.
    package let remoteUsernameFragment: String
    let priority: UInt32
    /// Whether it has USE-CANDIDATE.
    let usesCandidate: Bool
    /// The number that its nomination carries.
    let nominationNumber: UInt32?
    /// Whether it nominates in the manner of RFC 8445, or in that of renomination.
    var nominates: Bool { usesCandidate || nominationNumber != nil }
    /// The network that the sender says it comes from.
    let network: NetworkInfo?
    let claimed: (role: Role, tieBreaker: TieBreaker)?
    let integrity: IntegrityAlgorithm

    /// Reads an authenticated request in its bytes; nil without PRIORITY, which is answered with 400.
    init?(
        _ request: CheckView, in bytes: Span<UInt8>, from source: TransportAddress, on socket: SocketID,
        path: StreamComponent, integrity: IntegrityAlgorithm
    ) {
        guard let priority = request.priority else { return nil }
        self.request = request
        self.source = source
        self.socket = socket
        self.path = path
        self.priority = priority
        self.integrity = integrity
        remoteUsernameFragment = request.remoteUsernameFragment(in: bytes)
        nominationNumber = request.nomination
        network = request.network.map { NetworkInfo(id: $0.id, cost: $0.cost) }
        usesCandidate = request.usesCandidate
        if let tieBreaker = request.controllingTieBreaker {
            claimed = (.controlling, TieBreaker(tieBreaker))
        } else if let tieBreaker = request.controlledTieBreaker {
            claimed = (.controlled, TieBreaker(tieBreaker))
        } else {
            // Checks from before RFC 5245, and over TCP from some peers, claim no role: they are answered all the same.
            claimed = nil
        }
    }
}

/// Checks that were answered before the peer's credentials were known, to be acted upon once they are (RFC 8445 §7.3), bounded.
struct EarlyChecks {
    private var checks: [IncomingCheck] = []

    /// More different sources than this, before the answer came, are not a call but an attack.
    private static let limit = 32

    /// Remembers the latest check from a source, and that one of them nominated.
    ///
    /// - Returns: False where there is no more room.
    mutating func remember(_ check: IncomingCheck) -> Bool {
        let known = checks.firstIndex {
            $0.source == check.source && $0.socket == check.socket
                && $0.remoteUsernameFragment == check.remoteUsernameFragment
        }
        if let known {
            // The nomination that came last is the one that counts.
            if check.nominates || !checks[known].nominates {
                checks.remove(at: known)
                checks.append(check)
            }
        } else if checks.count < Self.limit {
            checks.append(check)
        } else {
            return false
        }
        return true
    }

    mutating func takeAll() -> [IncomingCheck] {
        defer { checks = [] }
        return checks
    }
}
