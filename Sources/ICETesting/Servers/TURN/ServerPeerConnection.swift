import NetBase
import STUN

/// A TCP connection between a relayed address and a peer, as the server keeps it (RFC 6062 §5).
struct ServerPeerConnection {
    enum Stage {
        /// The server connects to the peer, and owes the client the answer to this request.
        case connecting(STUNMessage, LongTermGatekeeper.Pass, until: Instant)
        /// No client's connection is bound to it.
        case pending(until: Instant)
        /// What comes on a client's connection goes to the peer, and back.
        case bound(TURNFiveTuple)
    }

    let id: UInt32
    let peer: TransportAddress
    let relay: TransportAddress
    /// The control connection of the allocation that it belongs to.
    let owner: TURNFiveTuple
    var stage: Stage

    /// When it comes to nothing.
    var expiry: Instant? {
        switch stage {
        case .connecting(_, _, let until), .pending(let until): until
        case .bound: nil
        }
    }

    /// The client's connection.
    var client: TURNFiveTuple? {
        if case .bound(let tuple) = stage { tuple } else { nil }
    }
}

extension STUNMessage.ErrorCode {
    static let connectionExists = Self(code: 446, reason: "Connection Already Exists")
    static let connectionFailed = Self(code: 447, reason: "Connection Timeout or Failure")
}
