import NetBase

/// A simulated host's socket in a multicast group: it shares its port with others, and hears what the host itself sends to the group.
final class SimulatedMulticastSocket: MulticastSocket {
    let group: TransportAddress
    package var family: IPAddress.Family { group.family }
    package var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)?
    private weak var host: SimulatedHost?

    init(_ group: TransportAddress, on host: SimulatedHost) {
        self.group = group
        self.host = host
    }

    /// Membership goes by the host: an interface that comes is in the group at once.
    package func refreshInterfaces() {}

    package func sendToGroup(_ bytes: Span<UInt8>) {
        guard let host else { return }
        for interface in host.interfaces where interface.isUp && interface.sendFault == nil {
            guard let source = interface.source(of: group.family) else { continue }
            let packet = Packet(
                source: TransportAddress(source, port: group.port), destination: group,
                content: .datagram([UInt8](copying: bytes)))
            host.intercept(packet, through: interface)
            host.loopBack(packet)
        }
    }

    package func send(_ bytes: Span<UInt8>, to destination: TransportAddress) {
        guard let host, let route = try? host.route(from: .any(destination.family), to: destination.ip) else { return }
        let packet = Packet(
            source: TransportAddress(route.source, port: group.port), destination: destination,
            content: .datagram([UInt8](copying: bytes)))
        host.intercept(packet, through: route.interface)
    }

    package func close() {
        host?.multicastSockets.removeAll { $0 === self }
        abandon()
    }

    func abandon() {
        host = nil
        onDatagram = nil
    }

    func receive(_ bytes: [UInt8], from source: TransportAddress) { onDatagram?(bytes.span, source) }
}

extension SimulatedHost {
    func join(_ group: TransportAddress) -> SimulatedMulticastSocket {
        let socket = SimulatedMulticastSocket(group, on: self)
        multicastSockets.append(socket)
        return socket
    }

    /// What is sent to a group comes back to the host's own members (IP_MULTICAST_LOOP).
    fileprivate func loopBack(_ packet: Packet) {
        guard case .datagram(let bytes) = packet.content else { return }
        fabric.scheduler.schedule(at: fabric.now) { [weak self] in
            guard let self else { return }
            for member in multicastSockets where member.group == packet.destination {
                member.receive(bytes, from: packet.source)
            }
        }
    }
}

extension SimulatedInterface {
    /// The address that what goes to a group leaves from; link-local ones of IPv6 come first.
    fileprivate func source(of family: IPAddress.Family) -> IPAddress? {
        let all = addresses.map(\.ip).filter { $0.family == family }
        return all.first(where: \.isLinkLocal) ?? all.first
    }
}
