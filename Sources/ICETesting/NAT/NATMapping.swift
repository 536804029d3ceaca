public import NetBase

/// One mapping of a NAT, as ``SimulatedNAT/mappings`` lists it.
public struct NATMapping: Hashable, Sendable {
    /// UDP or TCP.
    public let transport: PacketTransport
    /// The endpoint on the inner side.
    public let inner: TransportAddress
    /// What it looks like from the outer side; the same for a firewall, which does not translate.
    public let external: TransportAddress
    /// When it ends if no more packets pass.
    public let expiry: Instant
}

/// A mapping and the remote endpoints that may use it.
final class MappingState {
    let transport: PacketTransport
    let inner: TransportAddress
    let external: TransportAddress
    let key: MappingKey
    let order: Int
    var expiry: Instant
    private var endpointExpiry: [TransportAddress: Instant] = [:]
    private var addressExpiry: [IPAddress: Instant] = [:]

    init(key: MappingKey, external: TransportAddress, order: Int, expiry: Instant) {
        transport = key.transport
        inner = key.inner
        self.external = external
        self.key = key
        self.order = order
        self.expiry = expiry
    }

    /// Prolongs the mapping and what a remote endpoint may do with it.
    func refresh(for remote: TransportAddress, until instant: Instant) {
        expiry = max(expiry, instant)
        endpointExpiry[remote] = instant
        addressExpiry[remote.ip] = instant
    }

    func admits(_ remote: TransportAddress, by filtering: NATBehavior.Dependence, at now: Instant) -> Bool {
        switch filtering {
        case .endpointIndependent: true
        case .addressDependent: addressExpiry[remote.ip].map { now < $0 } ?? false
        case .addressAndPortDependent: endpointExpiry[remote].map { now < $0 } ?? false
        }
    }
}

/// What finds the mapping of an outgoing packet; the remote parts are set as far as mappings depend on them.
struct MappingKey: Hashable {
    let transport: PacketTransport
    let inner: TransportAddress
    let remoteIP: IPAddress?
    let remotePort: UInt16?

    init(
        _ transport: PacketTransport, inner: TransportAddress, remote: TransportAddress,
        dependence: NATBehavior.Dependence
    ) {
        self.transport = transport
        self.inner = inner
        remoteIP = dependence == .endpointIndependent ? nil : remote.ip
        remotePort = dependence == .addressAndPortDependent ? remote.port : nil
    }
}
