import TLS

/// Whom to trust when a server is reached over TLS or DTLS, and under which name (RFC 8489 §6.2.3).
///
/// ```swift
/// var configuration = TURNClientConfiguration(host: "turn.example.org", transport: .tls, username: "u", password: "p")
/// configuration.tls.trust = .authorities(pem: Array(text.utf8))
/// ```
public struct TLSOptions: Hashable, Sendable {
    /// Whose word is taken for the server's certificate.
    public enum Trust: Hashable, Sendable {
        /// The authorities that the operating system trusts.
        case system
        /// These authorities only, as PEM certificates.
        case authorities(pem: [UInt8])
        /// This one certificate: the 32 bytes of the SHA-256 digest of its DER form. Its name and dates are not looked at.
        case pinned(sha256: [UInt8])
        /// Anyone's. Encrypts against bystanders only: whoever is on the path can pose as the server.
        case unverified
    }

    /// Whose word is taken for the certificate.
    public var trust: Trust

    /// The host name or IP address that the certificate has to be for; nil for the host that the server is reached at.
    public var serverName: String?

    /// The system's authorities and the server's own name, unless told otherwise.
    public init(trust: Trust = .system, serverName: String? = nil) {
        self.trust = trust
        self.serverName = serverName
    }

    func makeContext(_ transport: TLSContext.Transport) throws(TLSError) -> TLSContext {
        let trust: TLSContext.Trust =
            switch trust {
            case .system: .system
            case .authorities(let pem): .authorities(pem: pem)
            case .pinned(let digest): .pinned(sha256: digest)
            case .unverified: .unverified
            }
        return try .client(transport, trust: trust)
    }
}
