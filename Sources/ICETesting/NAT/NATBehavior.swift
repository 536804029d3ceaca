/// How a NAT or firewall treats packets, in the terms of RFC 4787.
///
/// ```swift
/// var behavior = NATBehavior.portRestricted
/// behavior.hairpinning = false
/// behavior.mappingLifetime = .seconds(30)
/// ```
public struct NATBehavior: Hashable, Sendable {
    /// What a mapping or a filter depends on besides the inner endpoint (RFC 4787 §4.1, §5).
    public enum Dependence: Hashable, Sendable, CaseIterable {
        /// On nothing else.
        case endpointIndependent
        /// On the remote IP address.
        case addressDependent
        /// On the remote IP address and port.
        case addressAndPortDependent
    }

    /// How a port is chosen when the inner one is not kept.
    public enum PortAllocation: Hashable, Sendable {
        /// The next free one.
        case sequential
        /// Any free one.
        case random
    }

    /// How one of several external addresses is chosen (RFC 4787 §4.1).
    public enum Pooling: Hashable, Sendable {
        /// All mappings of one inner address share an external address.
        case paired
        /// Each mapping takes any.
        case arbitrary
    }

    /// Which packets from one inner endpoint share an external endpoint.
    public var mapping: Dependence

    /// Whose packets may come in through a mapping: anybody's, or those of whom a packet was sent to.
    public var filtering: Dependence

    /// Whether addresses are translated at all; false is a firewall. Only read when the NAT is made.
    public var translates: Bool

    /// Whether a mapping keeps the inner port while that is free (RFC 4787 §4.2.1).
    public var portPreservation: Bool

    /// How a port is chosen when it is not preserved.
    public var portAllocation: PortAllocation

    /// The ports to choose from when they are not preserved.
    public var externalPorts: ClosedRange<UInt16>

    /// How an external address is chosen where there are several.
    public var pooling: Pooling

    /// Whether inner hosts reach one another through their external endpoints (RFC 4787 §6).
    public var hairpinning: Bool

    /// How long UDP mappings and filters last without traffic; RFC 4787 §4.3 asks for two minutes at least.
    public var mappingLifetime: Duration

    /// How long those of TCP connections last without traffic (RFC 5382 §5).
    public var connectionLifetime: Duration

    /// Whether packets that come in prolong a mapping too; those that go out always do.
    public var inboundRefreshesMapping: Bool

    /// Whether every UDP datagram is dropped.
    public var blocksUDP: Bool

    /// A NAT of a mapping and a filtering behaviour that otherwise follows the recommendations of RFC 4787.
    public init(
        mapping: Dependence, filtering: Dependence, translates: Bool = true, portPreservation: Bool = true,
        portAllocation: PortAllocation = .random, externalPorts: ClosedRange<UInt16> = 1024...65535,
        pooling: Pooling = .paired, hairpinning: Bool = true, mappingLifetime: Duration = .seconds(120),
        connectionLifetime: Duration = .seconds(7440), inboundRefreshesMapping: Bool = false, blocksUDP: Bool = false
    ) {
        self.mapping = mapping
        self.filtering = filtering
        self.translates = translates
        self.portPreservation = portPreservation
        self.portAllocation = portAllocation
        self.externalPorts = externalPorts
        self.pooling = pooling
        self.hairpinning = hairpinning
        self.mappingLifetime = mappingLifetime
        self.connectionLifetime = connectionLifetime
        self.inboundRefreshesMapping = inboundRefreshesMapping
        self.blocksUDP = blocksUDP
    }
}

extension NATBehavior {
    /// One mapping per inner endpoint, open to everybody.
    public static let fullCone = NATBehavior(mapping: .endpointIndependent, filtering: .endpointIndependent)

    /// One mapping per inner endpoint, open to the addresses that were sent to.
    public static let addressRestricted = NATBehavior(mapping: .endpointIndependent, filtering: .addressDependent)

    /// One mapping per inner endpoint, open to the endpoints that were sent to: most home routers.
    public static let portRestricted = NATBehavior(mapping: .endpointIndependent, filtering: .addressAndPortDependent)

    /// A mapping of its own, with any port, for every remote endpoint: hole punching needs a peer that is easier to reach.
    public static let symmetric = NATBehavior(
        mapping: .addressAndPortDependent, filtering: .addressAndPortDependent, portPreservation: false)

    /// No translation; only answers come in.
    public static let firewall = NATBehavior(
        mapping: .endpointIndependent, filtering: .addressAndPortDependent, translates: false)

    /// A firewall that also drops all UDP: only TCP gets out.
    public static let udpBlocked = NATBehavior(
        mapping: .endpointIndependent, filtering: .addressAndPortDependent, translates: false, blocksUDP: true)
}
