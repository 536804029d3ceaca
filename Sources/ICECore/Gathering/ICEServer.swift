public import NetBase
public import STUN

/// A server that helps gathering, as in WebRTC's `RTCIceServer`.
///
/// ```swift
/// let stun = try ICEServer(urls: ["stun:stun.example.org:3478"])
/// let turn = try ICEServer(
///     urls: ["turn:turn.example.org", "turns:turn.example.org?transport=tcp"], username: "user", credential: "secret")
/// ```
public struct ICEServer: Hashable, Sendable {
    /// The URLs it was made from.
    public var urls: [String] { parsed.map(\.text) }

    /// The name that a TURN server knows us by.
    public let username: String?

    /// The password that goes with it. A secret.
    public let credential: String?

    /// What goes before username and credential with a TURN server that takes tokens (RFC 7635). A secret.
    public let accessToken: TURNAccessToken?

    /// Whom to trust where a URL asks for TLS or DTLS.
    public var tls: TLSOptions

    package let parsed: [ServerURL]

    /// A server that is reached at one or more URLs.
    ///
    /// - Parameters:
    ///   - urls: `stun:host[:port]`, `stuns:…`, `turn:host[:port][?transport=udp|tcp]`, `turns:…` (RFC 7064, RFC 7065). `turns:` with
    ///     `?transport=udp` is DTLS (RFC 7350).
    ///   - username: Needed with TURN URLs, unless there is a token.
    ///   - credential: Needed with TURN URLs, unless there is a token.
    ///   - accessToken: For TURN servers that take tokens, with or without username and credential for those that do not.
    ///   - tls: Whom to trust where a URL asks for TLS or DTLS.
    /// - Throws: ``ICESyntaxError`` that names what is wrong with a URL, or that a TURN URL lacks its credentials.
    public init(
        urls: [String], username: String? = nil, credential: String? = nil, accessToken: TURNAccessToken? = nil,
        tls: TLSOptions = TLSOptions()
    ) throws(ICESyntaxError) {
        var parsed: [ServerURL] = []
        for url in urls {
            let server = try ServerURL(url)
            if server.service == .turn, accessToken == nil, username == nil || credential == nil {
                throw ICESyntaxError(.missingCredential, "a TURN URL needs a username and a credential", in: url)
            }
            parsed.append(server)
        }
        self.parsed = parsed
        self.username = username
        self.credential = credential
        self.accessToken = accessToken
        self.tls = tls
    }
}

extension ICEServer: CustomStringConvertible, CustomDebugStringConvertible {
    /// The URLs; never the credential.
    public var description: String { urls.joined(separator: " ") }

    /// The URLs; never the credential.
    public var debugDescription: String { description }
}
