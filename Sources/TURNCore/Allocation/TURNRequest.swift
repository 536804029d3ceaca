import NetBase
import STUN

/// What one request asks for, however often it has to be made anew.
struct TURNRequest: Hashable {
    enum Purpose: Hashable {
        case allocate
        /// Zero seconds give back; without a family, all addresses are meant.
        case refresh(seconds: UInt32, IPAddress.Family?)
        /// Prolongs it from another address, by the ticket.
        case move
        case permit([IPAddress])
        case bind(ChannelNumber, TransportAddress)
        /// Has the server connect to a peer (RFC 6062 §4.3).
        case connect(TransportAddress)
    }

    let purpose: Purpose
    /// Whether time asked for it, rather than somebody who waits for the answer.
    let isAutomatic: Bool
    /// How often it was made anew with other credentials.
    var retries = 0
    /// How often it was made anew behind a change of address.
    var moves = 0
    /// Whether the ticket is shown because of an answer that nobody signed, so that the address may be the old one.
    var isTentative = false
    /// Whether it is for an allocation that the server knows at another address.
    var showsTicket = false

    init(_ purpose: Purpose, isAutomatic: Bool = false) {
        self.purpose = purpose
        self.isAutomatic = isAutomatic
    }

    static let release = TURNRequest(.refresh(seconds: 0, nil))

    var method: STUNMethod {
        switch purpose {
        case .allocate: .allocate
        case .refresh, .move: .refresh
        case .permit: .createPermission
        case .bind: .channelBind
        case .connect: .connect
        }
    }

    /// Whether its success brings a permission for the peer.
    func permits(_ peer: IPAddress) -> Bool {
        switch purpose {
        case .permit(let peers): peers.contains(peer)
        case .bind(_, let address): address.ip == peer
        case .allocate, .refresh, .move, .connect: false
        }
    }
}

/// A request on its way.
struct OutstandingRequest {
    var request: TURNRequest
    var transaction: STUNTransaction
    /// The access token that it offers, or that it is signed with the key of.
    let credential: SessionCredential?
}
