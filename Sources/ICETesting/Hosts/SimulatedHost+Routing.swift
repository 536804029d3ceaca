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

extension SimulatedInterface {
    /// Whether the host knows a way to an address: it is on the interface's own network, or its family is routed.
    fileprivate func reaches(_ ip: IPAddress) -> Bool {
        routedFamilies.contains(ip.family) || addresses.contains { $0.covers(ip) }
    }
}

extension InterfaceAddress {
    fileprivate func covers(_ other: IPAddress) -> Bool {
        guard ip.family == other.family else { return false }
        return (0..<ip.byteCount).allSatisfy { index in
            let bits = min(8, max(0, prefixLength - 8 * index))
            return (ip[byte: index] ^ other[byte: index]) >> (8 - bits) == 0
        }
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
        guard has(packet.destination.ip) else { return record(.noRoute, packet) }
        switch packet.content {
        case .datagram(let bytes):
            guard let socket = socket(at: packet.destination) else { return refuse(packet) }
            record(.delivered, packet)
            socket.receive(bytes, from: packet.source)
        case .unreachable(let report):
            guard let socket = socket(at: packet.destination) else { return record(.noListener, packet) }
            record(.delivered, packet)
            socket.receive(report)
        case .segment(let segment):
            accept(segment, in: packet)
        }
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
