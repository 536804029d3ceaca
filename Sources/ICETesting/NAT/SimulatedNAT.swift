public import NetBase

/// A NAT or firewall between an inner network and an outer one: the Internet or what lies behind another NAT.
///
/// ```swift
/// let carrier = network.makeNAT("carrier", external: ["198.51.100.1"], behavior: .symmetric)
/// let home = network.makeNAT("home", external: ["100.64.0.2"], behavior: .portRestricted, behind: carrier)
/// let phone = network.makeHost("phone", addresses: ["192.168.1.2"], behind: home)
/// ```
///
/// Families of which it has no external address pass untranslated, behind the same filter: a home router with one IPv4 address and
/// routed IPv6.
public final class SimulatedNAT {
    /// The NAT's name in the trace.
    public let name: String

    /// How it treats packets from now on; mappings that exist stay.
    public var behavior: NATBehavior

    /// The cable on its outer side.
    public let link: SimulatedLink

    /// The addresses it has on its outer side.
    public private(set) var externalAddresses: [IPAddress]

    let inside: Segment
    private let fabric: Fabric
    private let translatedFamilies: Set<IPAddress.Family>
    private var table: NATTable

    init(_ name: String, external: [IPAddress], behavior: NATBehavior, outside: Segment, on fabric: Fabric) {
        self.name = name
        self.behavior = behavior
        self.fabric = fabric
        externalAddresses = external
        translatedFamilies = behavior.translates ? Set(external.map(\.family)) : []
        inside = Segment("behind \(name)", on: fabric)
        link = SimulatedLink(name, to: outside, on: fabric)
        table = NATTable(generator: SeededGenerator(seed: fabric.seed, stream: "nat/\(name)"))
        link.owner = self
        inside.gateway = self
        for ip in external { outside.register(ip, at: link) }
    }

    /// The mappings that are alive now, oldest first.
    public var mappings: [NATMapping] { table.mappings(at: fabric.now) }

    /// Forgets all mappings, as a NAT does that restarts; the next packets may get the same ports again.
    public func forgetMappings() { table.forget(retiring: false) }

    /// Forgets all mappings and never uses their external ports again: every flow moves to another port.
    public func rebind() { table.forget(retiring: true) }

    /// Gives the NAT other addresses of the same families on its outer side, and forgets all mappings.
    public func setExternalAddresses(_ addresses: [IPAddress]) {
        precondition(
            Set(addresses.map(\.family)) == Set(externalAddresses.map(\.family)), "the families cannot change")
        for ip in externalAddresses { link.segment.unregister(ip) }
        externalAddresses = addresses
        for ip in addresses { link.segment.register(ip, at: link) }
        forgetMappings()
    }

    /// Leads an external endpoint to an inner one at all times and for everybody; nil ends that.
    public func forward(
        _ transport: PacketTransport = .udp, from external: TransportAddress, to inner: TransportAddress?
    ) {
        table.setForward(transport, external: external, inner: inner)
    }

    func translates(_ family: IPAddress.Family) -> Bool { translatedFamilies.contains(family) }

    /// Whether the outer side can reach an inner address as such. Unique local ones stay inside (RFC 4193 §4.3), so that homes may
    /// share them.
    func exposes(_ ip: IPAddress) -> Bool {
        let isUniqueLocal = ip.family == .v6 && ip.high >> 57 == 0xfc >> 1
        return !translates(ip.family) && !ip.isLinkLocal && !isUniqueLocal
    }

    /// A packet comes from an inner host.
    func receiveFromInside(_ packet: Packet) {
        if behavior.blocksUDP, packet.transport == .udp { return fabric.record(.blocked, packet, at: name) }
        if case .unreachable(let report) = packet.content { return passReportOutwards(packet, report) }
        let isHairpin = translates(packet.destination.family) && externalAddresses.contains(packet.destination.ip)
        if isHairpin, !behavior.hairpinning { return fabric.record(.notHairpinned, packet, at: name) }
        guard let external = mapOutwards(packet) else { return fabric.record(.portsExhausted, packet, at: name) }
        var packet = packet
        packet.source = external
        if isHairpin {
            // RFC 4787 §6, REQ-9: "External source IP address and port".
            passInwards(packet)
        } else {
            link.send(packet)
        }
    }

    private func mapOutwards(_ packet: Packet) -> TransportAddress? {
        let key = key(packet.transport, inner: packet.source, remote: packet.destination)
        let expiry = fabric.now + lifetime(of: packet.transport)
        let addresses =
            translates(packet.source.family) ? externalAddresses.filter { $0.family == packet.source.family } : []
        let mapping =
            table.existing(key, at: fabric.now)
            ?? table.make(key, to: addresses, behavior: behavior, at: fabric.now, until: expiry)
        mapping?.refresh(for: packet.destination, until: expiry)
        return mapping?.external
    }

    private func passInwards(_ packet: Packet) {
        var packet = packet
        if let inner = table.forward(packet.transport, external: packet.destination) {
            packet.destination = inner
            return inside.routeInwards(packet)
        }
        guard let mapping = table.mapping(packet.transport, external: packet.destination, at: fabric.now) else {
            return fabric.record(.noMapping, packet, at: name)
        }
        guard mapping.admits(packet.source, by: behavior.filtering, at: fabric.now) else {
            return fabric.record(.filtered, packet, at: name)
        }
        if behavior.inboundRefreshesMapping {
            mapping.refresh(for: packet.source, until: fabric.now + lifetime(of: packet.transport))
        }
        packet.destination = mapping.inner
        inside.routeInwards(packet)
    }

    private func key(_ transport: PacketTransport, inner: TransportAddress, remote: TransportAddress) -> MappingKey {
        // A firewall has one entry per inner endpoint: there is no other external endpoint to choose.
        let dependence = translates(inner.family) ? behavior.mapping : .endpointIndependent
        return MappingKey(transport, inner: inner, remote: remote, dependence: dependence)
    }

    private func lifetime(of transport: PacketTransport) -> Duration {
        transport == .tcp ? behavior.connectionLifetime : behavior.mappingLifetime
    }
}

// MARK: - The outer side

extension SimulatedNAT: LinkOwner {
    func receive(_ packet: Packet, on link: SimulatedLink) {
        if behavior.blocksUDP, packet.transport == .udp { return fabric.record(.blocked, packet, at: name) }
        if case .unreachable(let report) = packet.content {
            passReportInwards(packet, report)
        } else {
            passInwards(packet)
        }
    }

    /// An ICMP error about a packet that went out: REQ-10 of RFC 4787 lets it in where the mapping is alive.
    private func passReportInwards(_ packet: Packet, _ report: UnreachableReport) {
        guard let mapping = table.mapping(report.transport, external: report.source, at: fabric.now) else {
            return fabric.record(.noMapping, packet, at: name)
        }
        var packet = packet
        var report = report
        report.source = mapping.inner
        packet.destination = mapping.inner
        packet.content = .unreachable(report)
        inside.routeInwards(packet)
    }

    /// An ICMP error about a packet that came in: it must name the endpoint that the outer side knows.
    private func passReportOutwards(_ packet: Packet, _ report: UnreachableReport) {
        let key = key(report.transport, inner: report.destination, remote: report.source)
        let external =
            table.existing(key, at: fabric.now)?.external
            ?? table.forwarded(report.transport, inner: report.destination)
        guard let external else { return fabric.record(.noMapping, packet, at: name) }
        var packet = packet
        var report = report
        report.destination = external
        packet.source = TransportAddress(external.ip, port: 0)
        packet.content = .unreachable(report)
        if externalAddresses.contains(packet.destination.ip), translates(packet.destination.family) {
            passReportInwards(packet, report)
        } else {
            link.send(packet)
        }
    }
}
