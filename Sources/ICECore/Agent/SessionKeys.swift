import NetBase
import STUN

/// The credentials of both agents in one generation, ready to sign and verify checks with (RFC 8445 §7.1.1, §7.2.2).
package final class SessionKeys {
    package let local: Credentials
    /// Judges the requests that are addressed to us, and answers them.
    var responder: BindingResponder
    /// What the peer signalled for all streams, or for all but those that have their own.
    package private(set) var remote: ICEParameters?
    /// Whether that was signalled, or is no more than the name that a peer's check gave.
    package private(set) var isRemoteSignalled = false
    private var remoteKey: IntegrityKey?
    /// Whether ``remote`` is known, told without a copy of it.
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
        remote = parameters
        isRemoteSignalled = isSignalled
        remoteKey = IntegrityKey(shortTermPassword: parameters.password)
    }

    func setRemote(_ parameters: ICEParameters, of stream: StreamID) {
        streams[stream] = (parameters, IntegrityKey(shortTermPassword: parameters.password))
    }

    /// What the peer signalled for a stream.
    func remote(of stream: StreamID) -> ICEParameters? {
        streams.isEmpty ? remote : streams[stream]?.parameters ?? remote
    }

    /// The peer's username fragment for a stream.
    func remoteFragment(of stream: StreamID) -> String? {
        streams.isEmpty ? remote?.credentials.usernameFragment : remote(of: stream)?.usernameFragment
    }

    /// What the peer's answers for a stream are signed with.
    func remoteKey(of stream: StreamID) -> IntegrityKey? {
        streams.isEmpty ? remoteKey : streams[stream]?.key ?? remoteKey
    }
}
