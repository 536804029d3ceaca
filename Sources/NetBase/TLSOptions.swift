/// Whom to trust when a server is reached over TLS or DTLS.
///
/// By default the server's certificate must be for the host that it is reached at, name or IP address, and come from an authority that
/// the system trusts (RFC 8489 §6.2.3).
///
/// ```swift
/// import Foundation
///
/// let pem = try Data(contentsOf: URL(fileURLWithPath: "our-authority.pem"))
/// let tls = TLSOptions(trust: .authorities(pem: [UInt8](pem)))
/// configuration.servers = [
///     try ICEServer(urls: ["turns:turn.example.org"], username: "user", credential: "secret", tls: tls)
/// ]
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
}
