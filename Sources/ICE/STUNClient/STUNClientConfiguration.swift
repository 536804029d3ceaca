public import ICECore
public import NetBase
public import STUN

/// Which server a ``STUNClient`` asks, and how.
///
/// ```swift
/// var configuration = STUNClientConfiguration(host: "stun.example.org", transport: .tls)
/// configuration.preferredFamily = .v6
/// let client = try STUNClient(loop: loop, configuration: configuration)
/// ```
public struct STUNClientConfiguration: Hashable, Sendable {
    /// How requests prove who sends them.
    public enum Authentication: Hashable, Sendable {
        /// Not at all, as public servers have it.
        case none
        /// With a password that both ends have learned elsewhere (RFC 8489 §9.1); responses must be signed with it too.
        case shortTerm(username: String, password: String, algorithm: IntegrityAlgorithm = .sha1)
        /// As a user of the server's realm (RFC 8489 §9.2), once the server asks; name and password as a ``StringPreparation`` makes
        /// them, which ASCII needs not.
        case longTerm(username: String, password: String)
    }

    /// The server's name, or its address as text.
    public var host: String

    /// The server's port; nil for the transport's own, 3478, or 5349 under TLS and DTLS (RFC 8489 §18.6).
    public var port: UInt16?

    /// How requests travel.
    public var transport = TransportProtocol.udp

    /// Whom to trust where requests travel under TLS or DTLS.
    public var tls = TLSOptions()

    /// The family that is tried first where a name has addresses of both; nil takes the resolver's order.
    public var preferredFamily: IPAddress.Family?

    /// The address that UDP requests are sent from; nil for any.
    public var localAddress: TransportAddress?

    /// When requests are repeated and given up; the timeout grows with the round trips that were measured (RFC 8489 §6.2).
    public var retransmission = RetransmissionSchedule()

    /// Whether requests carry FINGERPRINT (RFC 8489 §7).
    public var usesFingerprint = true

    /// What requests say in SOFTWARE; nil leaves it out.
    public var software: String?

    /// How requests prove who sends them.
    public var authentication = Authentication.none

    /// A server, and how to talk to it.
    public init(host: String, port: UInt16? = nil, transport: TransportProtocol = .udp) {
        self.host = host
        self.port = port
        self.transport = transport
    }

    /// The server of a `stun:` or `stuns:` URL (RFC 7064).
    ///
    /// - Throws: ``ICESyntaxError`` that names what is wrong with the URL, `turn:` and `turns:` ones included.
    public init(url: String) throws(ICESyntaxError) {
        let parsed = try ServerURL(url)
        guard parsed.service == .stun else {
            throw ICESyntaxError(.unsupportedServer, "a STUN client needs a stun: or stuns: URL", in: url)
        }
        self.init(host: parsed.host, port: parsed.port, transport: parsed.transport)
    }

    var endpoint: ServerEndpoint {
        var endpoint = ServerEndpoint(
            host: host, port: port ?? ServerEndpoint.defaultPort(transport), transport: transport)
        endpoint.tls = tls
        endpoint.preferredFamily = preferredFamily
        endpoint.localAddress = localAddress
        endpoint.openingLimit = retransmission.reliableTimeout
        return endpoint
    }
}

extension STUNClientConfiguration: CustomStringConvertible, CustomDebugStringConvertible {
    /// The server, the way there and who asks; never the password.
    public var description: String {
        let endpoint = endpoint
        return "stun \(endpoint.host):\(endpoint.port) over \(transport.rawValue), authentication \(authentication)"
    }

    /// The server, the way there and who asks; never the password.
    public var debugDescription: String { description }
}

extension STUNClientConfiguration.Authentication: CustomStringConvertible, CustomDebugStringConvertible {
    /// The kind and the user's name; never the password.
    public var description: String {
        switch self {
        case .none: "none"
        case .shortTerm(let username, _, let algorithm): "short-term as \(username) with \(algorithm)"
        case .longTerm(let username, _): "long-term as \(username)"
        }
    }

    /// The kind and the user's name; never the password.
    public var debugDescription: String { description }
}
