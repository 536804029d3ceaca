public import ICECore
public import NetBase
public import STUN
import TURNCore

/// Which TURN server a ``TURNClient`` uses, how, and for what.
///
/// ```swift
/// var configuration = try TURNClientConfiguration(
///     url: "turns:turn.example.org?transport=tcp", username: "user", password: "secret")
/// configuration.relayFamilies = [.v4, .v6]
/// let client = try TURNClient(loop: loop, configuration: configuration)
/// ```
public struct TURNClientConfiguration: Sendable {
    /// The server's name, or its address as text.
    public var host: String

    /// The server's port; nil for the transport's own, 3478, or 5349 under TLS and DTLS (RFC 8656 §22).
    public var port: UInt16?

    /// How the client and the server talk.
    public var transport = TransportProtocol.udp

    /// What the relayed address and the peers speak: datagrams, or connections (RFC 6062), which need a transport of TCP or TLS.
    public var relayTransport = RelayTransport.udp

    /// The name that the server knows us by; empty for somebody who has access tokens alone.
    public var username: String

    /// The password that goes with it.
    public var password: String

    /// What goes before name and password with a server that takes tokens (RFC 7635); its lifetime counts from when a client is made.
    ///
    /// Before it runs out, ``TURNClient/onAccessTokenNeeded`` asks for the next one.
    public var accessToken: TURNAccessToken?

    /// How both are brought into the form that is hashed (RFC 8489 §9.2.2).
    public var preparation = StringPreparation.none

    /// Whom to trust where the transport is TLS or DTLS.
    public var tls = TLSOptions()

    /// The family that is tried first where a name has addresses of both; nil takes the resolver's order.
    public var preferredFamily: IPAddress.Family?

    /// The address that UDP and DTLS datagrams are sent from; nil for any.
    public var localAddress: TransportAddress?

    /// The families of the relayed addresses that are wanted: one, or both (RFC 8656 §7.1).
    public var relayFamilies: Set<IPAddress.Family> = [.v4]

    /// The lifetime that is asked for; the server may give another (RFC 8656 §7.2).
    public var lifetime = Duration.seconds(600)

    /// Whether the relayed port is to be even, and the next one kept for another allocation (RFC 8656 §7.1).
    public var evenPort: EvenPort?

    /// The token that another allocation's reserved port is asked for with; nil for any port.
    public var reservationToken: UInt64?

    /// Whether datagrams to peers must not be fragmented; given up where the server does not know how (RFC 8656 §7.4).
    public var dontFragment = false

    /// Whether the allocation is refreshed before it ends.
    public var refreshesAllocation = true

    /// Whether to ask the server for a ticket that keeps the allocation when a NAT gives this client another address (RFC 8016).
    ///
    /// Servers that forbid mobility say so, which costs a round trip; those that do not know it ignore the wish.
    public var wantsMobility = false

    /// Whether permissions are refreshed before they end.
    public var refreshesPermissions = true

    /// Whether channels are refreshed before they end.
    public var refreshesChannels = true

    /// When requests over UDP and DTLS are repeated, and all are given up.
    public var retransmission = RetransmissionSchedule()

    /// How many bytes may wait in a TCP or TLS connection before datagrams are dropped, and bytes of a ``TURNConnection`` refused.
    public var queueLimit = 1 << 17

    /// What requests say in SOFTWARE; nil leaves it out.
    public var software: String?

    /// What a relayed address and the peers speak.
    public enum RelayTransport: Hashable, Sendable {
        /// Datagrams (RFC 8656).
        case udp
        /// Connections (RFC 6062).
        case tcp
    }

    /// An even port, with or without the one above it.
    public enum EvenPort: Hashable, Sendable {
        /// An even port, whoever gets the one above it.
        case alone
        /// An even port, with the one above it kept for whoever has the allocation's reservation token.
        case reservingNext
    }

    /// A server, and what it is told.
    public init(
        host: String, port: UInt16? = nil, transport: TransportProtocol = .udp, username: String, password: String
    ) {
        self.host = host
        self.port = port
        self.transport = transport
        self.username = username
        self.password = password
    }

    /// A server that takes access tokens (RFC 7635), and no password for any other; nil where ``TURNClient/onAccessTokenNeeded`` gets the
    /// first one as well.
    public init(
        host: String, port: UInt16? = nil, transport: TransportProtocol = .udp, accessToken: TURNAccessToken?
    ) {
        self.init(host: host, port: port, transport: transport, username: "", password: "")
        self.accessToken = accessToken
    }

    /// The server of a `turn:` or `turns:` URL that takes access tokens, as
    /// ``init(host:port:transport:accessToken:)``.
    ///
    /// - Throws: As ``init(url:username:password:)``.
    public init(url: String, accessToken: TURNAccessToken?) throws(ICESyntaxError) {
        try self.init(url: url, username: "", password: "")
        self.accessToken = accessToken
    }

    /// The server of a `turn:` or `turns:` URL (RFC 7065).
    ///
    /// - Throws: ``ICESyntaxError`` that names what is wrong with the URL, `stun:` and `stuns:` ones included.
    public init(url: String, username: String, password: String) throws(ICESyntaxError) {
        let parsed = try ServerURL(url)
        guard parsed.service == .turn else {
            throw ICESyntaxError(.unsupportedServer, "a TURN client needs a turn: or turns: URL", in: url)
        }
        self.init(
            host: parsed.host, port: parsed.port, transport: parsed.transport, username: username, password: password)
    }

    var options: AllocationOptions {
        var options = AllocationOptions(username: username, password: password)
        options.preparation = preparation
        options.lifetime = lifetime
        options.relayTransport = relayTransport == .tcp ? .tcp : .udp
        options.families = relayFamilies
        options.evenPort = evenPort.map { $0 == .alone ? .alone : .reservingNext }
        options.reservationToken = reservationToken
        options.isDontFragment = dontFragment
        options.software = software
        options.refreshesAllocation = refreshesAllocation
        options.wantsMobility = wantsMobility
        options.refreshesPermissions = refreshesPermissions
        options.refreshesChannels = refreshesChannels
        options.retransmission = retransmission
        return options
    }

    /// How long a server's address may be silent while there is another to try.
    private static let silenceLimit = Duration.seconds(3)

    var endpoint: ServerEndpoint {
        var endpoint = ServerEndpoint(
            host: host, port: port ?? ServerEndpoint.defaultPort(transport), transport: transport)
        endpoint.framing = .turn
        endpoint.tls = tls
        endpoint.preferredFamily = preferredFamily
        endpoint.localAddress = localAddress
        endpoint.openingLimit = retransmission.reliableTimeout
        endpoint.silenceLimit = Self.silenceLimit
        endpoint.queueLimit = queueLimit
        return endpoint
    }
}

extension TURNClientConfiguration: CustomStringConvertible, CustomDebugStringConvertible {
    /// The server and the way there; never the password or the access token.
    public var description: String {
        let user = username.isEmpty ? accessToken.map(\.description) ?? "nobody yet" : username
        return "turn \(endpoint.host):\(endpoint.port) over \(transport.rawValue) as \(user)"
    }

    /// The server and the way there; never the password or the access token.
    public var debugDescription: String { description }
}
