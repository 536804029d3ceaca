import NetBase
import STUN

/// An access token as it is used: its session key ready to sign with, and when another is to be asked for (RFC 7635 §5, §9).
struct SessionCredential {
    let access: TURNAccessToken
    let key: IntegrityKey
    private(set) var renewal: Instant

    init(_ access: TURNAccessToken, renewal: Instant) {
        self.access = access
        self.renewal = renewal
        key = IntegrityKey(macKey: access.macKey)
    }

    /// The server has refused what it took before.
    mutating func spoil(at now: Instant) { renewal = min(renewal, now) }
}

extension STUNMethod {
    /// "The TURN client MUST include the ACCESS-TOKEN attribute only in Allocate and Refresh requests" (RFC 7635 §9).
    var carriesToken: Bool { self == .allocate || self == .refresh }
}
