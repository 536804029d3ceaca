import NetBase
import STUN

/// The credentials of both agents in one generation, ready to sign and verify checks with (RFC 8445 §7.1.1, §7.2.2).
package final class SessionKeys {
    package let local: Credentials
    /// Judges the requests that are addressed to us, and answers them.
    var responder: BindingResponder
    /// What the peer signalled for all streams, or for all but those that have their own.
    package var remote: ICEParameters? { common }
    /// Whether that was signalled, or is no more than the name that a peer's check gave.
    package var isRemoteSignalled: Bool { isSignalled }
    private var common: ICEParameters?
    private var isSignalled = false
    private var remoteKey: IntegrityKey?
    /// Whether ``remote`` is known; to look at that for it would copy all of it.
    var hasRemote: Bool { remoteKey != nil }
    /// RFC 8839 §5.4: a stream's own "ice-ufrag" and "ice-pwd" go before the session's.
    private var streams: [StreamID: (parameters: ICEParameters, key: IntegrityKey)] = [:]

    init(local: Credentials) {
        self.local = local
        let key = IntegrityKey(shortTermPassword: local.password)
        key.prepare(.sha1)
        responder = BindingResponder(BindingAuthenticator(localFragment: local.usernameFragment, key: key))
    }

    /// Judges the requests that are addressed to us.
    var authenticator: BindingAuthenticator { responder.authenticator }

    func setRemote(_ parameters: ICEParameters, isSignalled: Bool) {
        common = parameters
        self.isSignalled = isSignalled
        remoteKey = IntegrityKey(shortTermPassword: parameters.password)
    }

    func setRemote(_ parameters: ICEParameters, of stream: StreamID) {
        streams[stream] = (parameters, IntegrityKey(shortTermPassword: parameters.password))
    }

    /// What the peer signalled for a stream.
    func remote(of stream: StreamID) -> ICEParameters? {
        streams.isEmpty ? common : streams[stream]?.parameters ?? common
    }

    /// The peer's username fragment for a stream.
    func remoteFragment(of stream: StreamID) -> String? {
        streams.isEmpty ? common?.credentials.usernameFragment : remote(of: stream)?.usernameFragment
    }

    /// What the peer's answers for a stream are signed with.
    func remoteKey(of stream: StreamID) -> IntegrityKey? {
        streams.isEmpty ? remoteKey : streams[stream]?.key ?? remoteKey
    }
}

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
