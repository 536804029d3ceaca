package import NetBase
package import STUN

/// What a ``TURNClient`` tells, once per happening, to its closures and to whoever uses it for candidates.
package enum TURNEvent: Sendable {
    /// The allocation is there.
    case allocated(TURNAllocation)
    /// The allocation was refreshed for so long; zero released it.
    case refreshed(Duration)
    /// The server lets a peer in.
    case permitted(IPAddress)
    /// The server does not let a peer in, or no longer; where it said so, a `responseError` came before.
    case permissionLost(IPAddress)
    /// A peer's data travels on a channel from now on.
    case channelBound(TransportAddress, UInt16)
    /// A peer's data goes on without a channel; where the server refused it, a `responseError` came before.
    case channelLost(TransportAddress)
    /// What was relayed to a peer did not get there.
    case peerError(TransportAddress, TURNPeerError)
    /// The allocation that was there is gone.
    case lost(TURNClientError)
    /// The server of this name wants an access token, or another one soon.
    case accessTokenNeeded(String)
    /// The server answered a request with an error, and nothing more is done about it.
    case responseError(STUNMethod, code: Int, reason: String)
    /// There is no allocation, permission or channel, for another reason than the server's word.
    case failed(TURNClientError)
}
