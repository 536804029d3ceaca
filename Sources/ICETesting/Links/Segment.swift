import NetBase

/// A network within which addresses are unique and reach one another directly: the Internet, or what lies behind one NAT.
final class Segment {
    let name: String
    weak var gateway: SimulatedNAT?
    private let fabric: Fabric
    private var links: [IPAddress: WeakLink] = [:]
    /// All links that have ever had an address here, in the order of their first one.
    private var members: [WeakLink] = []

    init(_ name: String, on fabric: Fabric) {
        self.name = name
        self.fabric = fabric
    }

    /// Lets packets for an address go to a link, here and in front of gateways that do not translate it.
    func register(_ ip: IPAddress, at link: SimulatedLink) {
        let ip = ip.scoped(to: 0)
        precondition(links[ip]?.link == nil, "\(ip) is taken on \(name)")
        links[ip] = WeakLink(link: link)
        if !members.contains(where: { $0.link === link }) { members.append(WeakLink(link: link)) }
        if let gateway, gateway.exposes(ip) { gateway.link.segment.register(ip, at: gateway.link) }
    }

    func unregister(_ ip: IPAddress) {
        let ip = ip.scoped(to: 0)
        links[ip] = nil
        if let gateway, gateway.exposes(ip) { gateway.link.segment.unregister(ip) }
    }

    /// Hands a packet to whoever has its destination, or else to the gateway; a link that sent it does not get it back.
    func route(_ packet: Packet, from link: SimulatedLink?) {
        if packet.destination.ip.isMulticast { return distribute(packet, from: link) }
        if let target = links[packet.destination.ip]?.link {
            guard target !== link else { return fabric.record(.noRoute, packet, at: name) }
            target.deliver(packet)
        } else if let gateway, !packet.destination.ip.isLinkLocal {
            gateway.receiveFromInside(packet)
        } else {
            routeNowhere(packet)
        }
    }

    /// Hands a packet for a group to everybody else behind the same NAT. On the Internet no two hosts are on one link.
    private func distribute(_ packet: Packet, from link: SimulatedLink?) {
        guard let gateway else { return fabric.record(.noRoute, packet, at: name) }
        for member in members {
            guard let target = member.link, target !== link, target !== gateway.link else { continue }
            target.deliver(packet)
        }
    }

    /// Hands a packet that came in through the gateway to whoever has its destination.
    func routeInwards(_ packet: Packet) {
        guard let target = links[packet.destination.ip]?.link else { return fabric.record(.noRoute, packet, at: name) }
        target.deliver(packet)
    }

    private func routeNowhere(_ packet: Packet) {
        fabric.record(.noRoute, packet, at: name)
        guard fabric.reportsUnknownAddresses else { return }
        // A report never causes another one, so this ends.
        if let report = packet.unreachableReport(.hostUnreachable, from: packet.destination.ip) {
            route(report, from: nil)
        }
    }

    private struct WeakLink {
        weak var link: SimulatedLink?
    }
}

extension Packet {
    /// The ICMP error that tells the sender of a datagram that it did not arrive; nil for other packets, which have none.
    func unreachableReport(_ code: NetworkError.Code, from reporter: IPAddress) -> Packet? {
        guard case .datagram = content else { return nil }
        let report = UnreachableReport(transport: transport, source: source, destination: destination, code: code)
        return Packet(
            source: TransportAddress(reporter, port: 0), destination: source, content: .unreachable(report))
    }
}
