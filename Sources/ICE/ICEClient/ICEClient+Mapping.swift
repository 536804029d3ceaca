import ICECore
import NetBase

// The ports of this client's sockets on the NAT in front of the machine.
extension ICEClient {
    func mapPort(of id: SocketID) {
        let local = sockets.first { $0.id == id }?.socket.localAddress
        let mapping = local.flatMap { local in
            portMapper?.mapPort(of: local) { [reference] in reference.client?.mappingChanged(of: id, $0) }
        }
        guard let mapping else { return agent.portUnmapped(id, reason: nil, now: platform.now) }
        mappings.append((id, mapping))
    }

    func endMapping(of id: SocketID) {
        guard let index = mappings.firstIndex(where: { $0.socket == id }) else { return }
        mappings.remove(at: index).mapping.close()
    }

    private func mappingChanged(of id: SocketID, _ result: Result<TransportAddress, PortMappingError>) {
        guard !isClosed, mappings.contains(where: { $0.socket == id }) else { return }
        input { agent, now in
            switch result {
            case .success(let address): agent.portMapped(id, to: address, now: now)
            case .failure(let error): agent.portUnmapped(id, reason: "no mapped port: \(error)", now: now)
            }
        }
    }
}
