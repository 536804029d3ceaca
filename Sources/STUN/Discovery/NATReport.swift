public import NetBase

/// How the NATs and firewalls between this machine and the Internet treat UDP, as a STUN server helped to find out (RFC 5780 §4).
///
/// What is nil was not found out, and ``gaps`` says why. "These tests can only give the instantaneous behavior of a NAT": it may become
/// stricter at any time, and other ports may be treated in another way.
///
/// ```swift
/// let client = try STUNClient(loop: loop, configuration: STUNClientConfiguration(host: "stun.example.org"))
/// client.discoverNATBehavior { result in
///     if case .success(let report) = result { print(report.verdict) }
/// }
/// ```
public struct NATReport: Hashable, Sendable {
    /// Which packets from one local port share a public address and port (RFC 4787 §4.1).
    public enum Mapping: Hashable, Sendable {
        /// The server sees the local address itself: nothing is translated.
        case noNAT
        /// All of them.
        case endpointIndependent
        /// Those to the same remote address.
        case addressDependent
        /// Those to the same remote address and port: what is called a symmetric NAT.
        case addressAndPortDependent
    }

    /// Whose packets come in through a mapping (RFC 4787 §5).
    public enum Filtering: Hashable, Sendable {
        /// Anybody's.
        case endpointIndependent
        /// Those from an address that was sent to.
        case addressDependent
        /// Those from an address and port that was sent to.
        case addressAndPortDependent
    }

    /// How long a mapping lasts without traffic.
    public struct MappingLifetime: Hashable, Sendable {
        /// The longest silence that a mapping survived.
        public let atLeast: Duration

        /// The shortest silence that it did not survive; nil if it survived all that was tried.
        public let lessThan: Duration?
    }

    /// The address and port that requests were sent from.
    public let localAddress: TransportAddress

    /// The server that was asked.
    public let server: TransportAddress

    /// What the server saw of ``localAddress``; nil where nothing came back over UDP.
    public internal(set) var publicAddress: TransportAddress?

    /// Which packets share a public address and port.
    public internal(set) var mapping: Mapping?

    /// Whose packets come in.
    public internal(set) var filtering: Filtering?

    /// Whether two sockets of this machine reach each other through their public addresses, as two peers behind the same NAT may have
    /// to; nil where there is no NAT.
    ///
    /// Where mappings depend on the remote endpoint and filters too, no packet gets through, whether the NAT turns it around or not.
    public internal(set) var hairpins: Bool?

    /// How long mappings last; nil unless ``NATDiscoveryOptions/measuresMappingLifetime`` was set.
    public internal(set) var mappingLifetime: MappingLifetime?

    /// Why something was not found out.
    public internal(set) var gaps: [Gap] = []

    init(localAddress: TransportAddress, server: TransportAddress) {
        self.localAddress = localAddress
        self.server = server
    }

    /// Whether the public port is the local one.
    public var preservesPort: Bool? { publicAddress.map { $0.port == localAddress.port } }
}

extension NATReport {
    /// Why something was not found out.
    public enum Gap: Hashable, Sendable {
        /// The server names no OTHER-ADDRESS: it cannot be used for this (RFC 5780 §4.3).
        case noOtherAddress
        /// The server's OTHER-ADDRESS is one that no request is sent to: its own, ours, nobody's, or of another kind or scope than its
        /// own.
        case unusableOtherAddress(TransportAddress)
        /// Nothing came back from the server's OTHER-ADDRESS.
        case otherAddressSilent
        /// The server answered CHANGE-REQUEST with an error, such as 420.
        case changeRequestRefused(code: Int)
        /// The server answered CHANGE-REQUEST from another address than it should have.
        case changeRequestMisanswered
        /// The server does not take RESPONSE-PORT, or does not do what it says: no lifetime can be measured.
        case responsePortUnsupported
        /// Two sockets were given different public addresses: no lifetime can be measured.
        case severalPublicAddresses
        /// A request that was to show something was not answered.
        case unanswered
    }
}
