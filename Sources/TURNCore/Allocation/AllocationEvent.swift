package import NetBase
package import STUN

/// What an ``AllocationClient`` tells.
package enum AllocationEvent: Hashable, Sendable {
    /// The allocation is there.
    case allocated(AllocationState)
    /// A Refresh request prolonged it, from now on by so long.
    case refreshed(lifetime: Duration)
    /// It was given back as asked, or there was nothing to give back; the last event but for a new ``AllocationClient/allocate(at:)``.
    case released
    /// One of two families was given back as asked.
    case familyReleased(IPAddress.Family)
    /// The server lets a peer in; again each time somebody asks, but not for refreshes.
    case permitted(IPAddress)
    /// The server does not let a peer in, or no longer.
    case permissionRefused(IPAddress, RequestFailure)
    /// A permission ran out; it is asked for again only on demand.
    case permissionExpired(IPAddress)
    /// A peer's data travels on a channel from now on; again each time somebody asks, but not for refreshes.
    case channelBound(TransportAddress, ChannelNumber)
    /// A channel could not be bound: data goes on in Send indications.
    case channelRefused(TransportAddress, RequestFailure)
    /// A channel ran out: data goes on in Send indications.
    case channelExpired(TransportAddress, ChannelNumber)
    /// The server is connected to a peer as asked: bind a connection to it before it expires (RFC 6062 §4.3).
    case connected(PeerConnection)
    /// The server did not connect to a peer.
    case connectRefused(TransportAddress, RequestFailure)
    /// A peer has connected to the relayed address: accept or refuse it (RFC 6062 §4.4).
    case attempted(PeerConnection)
    /// A peer without a permission has connected, or more than anybody has looked at.
    case attemptIgnored(TransportAddress)
    /// What was relayed to a peer did not get there; the port is 0 where the server does not know it.
    case peerError(TransportAddress, PeerError)
    /// The server of this name wants an access token, or another one soon: ``AllocationClient/provide(_:until:at:)``, at any time.
    case accessTokenNeeded(serverName: String)
    /// A request was answered with an error that is not dealt with here; what follows from it comes next, as an event of its own.
    case error(STUNMethod, code: Int, reason: String)
    /// The server sends us to others, in its order; the one of the address family in use is the one to take, with the same
    /// transport and credentials, and a new client. The domain is what the certificate must name (RFC 8489 §10).
    case redirected(to: [TransportAddress], domain: String?)
    /// Our address is in use at the server (437), or has shown a token that it does not take. Change to a new local port, then call ``AllocationClient/allocate(at:)`` again.
    case portRejected
    /// The allocation that was there is gone.
    case lost(AllocationLoss)
    /// There will be no allocation, unless the rule inside says otherwise.
    case failed(AllocationFailure)
}
