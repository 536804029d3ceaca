import NetBase

extension SimulatedHost {
    /// The way that packets take: nil stands for loopback.
    typealias Route = (source: IPAddress, interface: SimulatedInterface?)

    /// Chooses the interface and source address for packets from a bound or any address to a destination.
    func route(from bound: IPAddress, to destination: IPAddress) throws(NetworkError) -> Route {
        func fault(_ code: NetworkError.Code) -> NetworkError {
            NetworkError(simulated: code, "send \(bound) > \(destination)")
        }
        guard bound.family == destination.family, !destination.isUnspecified else { throw fault(.invalidArgument) }
        guard bound.isUnspecified || has(bound) else { throw fault(.addressNotAvailable) }
        if has(destination) {
            return (bound.isUnspecified ? destination : bound, nil)
        }
        if bound.isLoopback { throw fault(.invalidArgument) }
        guard let (interface, source) = exit(from: bound, to: destination) else { throw fault(.networkUnreachable) }
        if let code = interface.sendFault { throw fault(code) }
        return (source, interface)
    }

    private func exit(from bound: IPAddress, to destination: IPAddress) -> (SimulatedInterface, IPAddress)? {
        for interface in interfaces where interface.isUp {
            if destination.scopeID != 0, destination.scopeID != interface.index { continue }
            guard destination.isLinkLocal || interface.reaches(destination) else { continue }
            let sources = interface.addresses.map(\.ip).filter { $0.family == destination.family }
            if bound.isUnspecified {
                let preferred = sources.first { $0.isLinkLocal == destination.isLinkLocal } ?? sources.first
                if let preferred { return (interface, preferred) }
            } else if sources.contains(bound) {
                return (interface, bound)
            }
        }
        return nil
    }

    /// Sends a packet on its way, loopback included.
    func emit(_ packet: Packet, through interface: SimulatedInterface?) {
        record(.sent, packet)
        guard let interface else {
            fabric.scheduler.schedule(at: fabric.now) { [weak self] in self?.accept(packet, on: nil) }
            return
        }
        let wire = Packet(
            source: packet.source.unscoped, destination: packet.destination.unscoped, content: packet.content)
        interface.link.send(wire)
    }

    /// Sends an answer from the address that was asked.
    func answer(_ packet: Packet) {
        guard let route = try? route(from: packet.source.ip, to: packet.destination.ip) else { return }
        emit(packet, through: route.interface)
    }
}

extension TransportAddress {
    /// Whether a group's socket is bound where an address is.
    fileprivate func isAt(_ address: TransportAddress) -> Bool { family == address.family && port == address.port }
}

extension SimulatedInterface {
    /// Whether the host knows a way to an address: it is on the interface's own network, or its family is routed.
    fileprivate func reaches(_ ip: IPAddress) -> Bool {
        routedFamilies.contains(ip.family) || addresses.contains { $0.covers(ip) }
    }
}

// MARK: - Packets that come in

extension SimulatedHost: LinkOwner {
    func receive(_ packet: Packet, on link: SimulatedLink) {
        guard let interface = interfaces.first(where: { $0.link === link }), interface.isUp else {
            return record(.cut, packet)
        }
        var packet = packet
        packet.source.ip = interface.scoped(packet.source.ip)
        packet.destination.ip = interface.scoped(packet.destination.ip)
        if case .unreachable(var report) = packet.content {
            report.destination.ip = interface.scoped(report.destination.ip)
            packet.content = .unreachable(report)
        }
        accept(packet, on: interface)
    }

    private func accept(_ packet: Packet, on interface: SimulatedInterface?) {
        if packet.destination.ip.isMulticast { return acceptMulticast(packet) }
        guard has(packet.destination.ip) else { return record(.noRoute, packet) }
        switch packet.content {
        case .datagram(let bytes):
            if let socket = socket(at: packet.destination) {
                record(.delivered, packet)
                socket.receive(bytes, from: packet.source)
            } else if let socket = multicastSockets.last(where: { $0.group.isAt(packet.destination) }) {
                // Of sockets that share a port, the one that was bound last gets what is not for the group.
                record(.delivered, packet)
                socket.receive(bytes, from: packet.source)
            } else {
                refuse(packet)
            }
        case .unreachable(let report):
            guard let socket = socket(at: packet.destination) else { return record(.noListener, packet) }
            record(.delivered, packet)
            socket.receive(report)
        case .segment(let segment):
            accept(segment, in: packet)
        }
    }

    private func acceptMulticast(_ packet: Packet) {
        let members = multicastSockets.filter { $0.group.unscoped == packet.destination.unscoped }
        guard case .datagram(let bytes) = packet.content, !members.isEmpty else { return record(.noListener, packet) }
        record(.delivered, packet)
        for member in members { member.receive(bytes, from: packet.source) }
    }

    private func socket(at address: TransportAddress) -> SimulatedSocket? {
        let sockets = datagramPorts[address.port, default: []]
        return sockets.first { $0.localAddress == address }
            ?? sockets.first { $0.localAddress.ip == .any(address.family) }
    }

    /// RFC 1122 §4.1.3.1: a datagram for a closed port is answered with an ICMP "port unreachable".
    private func refuse(_ packet: Packet) {
        record(.noListener, packet)
        guard answersClosedPorts,
            let report = packet.unreachableReport(.connectionRefused, from: packet.destination.ip)
        else { return }
        answer(report)
    }
}
