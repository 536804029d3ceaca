import NetBase
import STUN

/// What distinguishes one outgoing check from another.
struct CheckRequest {
    let transactionID: STUNTransactionID
    /// The priority that a candidate learned by this check would have (RFC 8445 §7.1.1).
    let priority: UInt32
    let role: Role
    let tieBreaker: TieBreaker
    let nominates: Bool
    /// The number of the nomination where the agents agreed on several; USE-CANDIDATE otherwise.
    var nominationNumber: UInt32?
    /// Where it comes from, for the peer to weigh.
    var network: NetworkInfo?

    /// The Binding request (RFC 8445 §7.2.2): USERNAME is the peer's fragment, a colon, and ours.
    ///
    /// RFC 8489 §9.1.2 would add MESSAGE-INTEGRITY-SHA256, which RFC 5389 peers answer with 420: RFC 8445 cites RFC 5389, so it is not.
    func message(keys: SessionKeys, stream: StreamID) -> STUNMessage? {
        guard let remoteFragment = keys.remoteFragment(of: stream), let key = keys.remoteKey(of: stream) else {
            return nil
        }
        var message = STUNMessage(.request, .binding, transactionID: transactionID)
        message.append(STUNMessage.Username("\(remoteFragment):\(keys.local.usernameFragment)"))
        message.append(STUNMessage.Priority(priority))
        switch role {
        case .controlling: message.append(STUNMessage.ICEControlling(tieBreaker: tieBreaker.value))
        case .controlled: message.append(STUNMessage.ICEControlled(tieBreaker: tieBreaker.value))
        }
        if let network { message.append(STUNMessage.NetworkInfo(id: network.id, cost: network.cost)) }
        if nominates, let nominationNumber {
            message.append(STUNMessage.Nomination(nominationNumber))
        } else if nominates {
            message.append(STUNMessage.UseCandidate())
        }
        message.appendIntegrity(key)
        message.appendFingerprint()
        return message
    }
}
