import ICECore
import Logging
import NetBase

// Candidates that are reached over TCP (RFC 6544): each base is a socket whose datagrams go over connections.
extension ICEClient {
    func openConnections(_ id: SocketID, _ type: Candidate.TCPType, on ip: IPAddress, for path: StreamComponent) {
        do throws(NetworkError) {
            let socket = try bindConnections(type, on: ip)
            adopt(connections: socket, as: id, for: path)
            agent.socketOpened(id, at: socket.localAddress, now: platform.now)
        } catch {
            logger.debug("no TCP port", metadata: ["error": "\(loggable(error))"])
            agent.socketFailed(id, reason: bindingFault(error), now: platform.now)
        }
    }

    /// Takes over a base of TCP candidates, of this machine or of a relay.
    func adopt(connections socket: TCPCandidateSocket, as id: SocketID, for path: StreamComponent) {
        socket.onDisconnect = { [reference] remote, error, wasConnected in
            reference.client?.paths.first { $0.id == id && $0.destination == remote }?.isSuspended = true
            reference.client?.input { $0.disconnected(remote, from: id, error, wasConnected: wasConnected, now: $1) }
        }
        socket.onConnect = { [reference] remote in
            reference.client?.input { $0.handedOver(to: remote, from: id, now: $1) }
        }
        adopt(socket, as: id, for: path)
    }

    private func bindConnections(_ type: Candidate.TCPType, on ip: IPAddress) throws(NetworkError) -> TCPCandidateSocket
    {
        switch (member, type) {
        case (let member?, .passive): return try member.makeConnections(on: ip)
        case (_?, .simultaneousOpen):
            throw NetworkError(
                .other, name: "ENOTSUP", operation: "open connections simultaneously from a shared port, which can't")
        default: break
        }
        return try TCPCandidateSocket(
            on: platform, type, ip: ip, ports: configuration.portRange, asksServers: !configuration.servers.isEmpty)
    }

    /// Asks a STUN server how it sees a base's port (RFC 6544 §5.2).
    func ask(_ server: TransportAddress, _ bytes: [UInt8], from id: SocketID) {
        guard let connections = sockets.first(where: { $0.id == id })?.connections else { return }
        do throws(NetworkError) {
            try connections.ask(server, bytes)
        } catch {
            agent.disconnected(server, from: id, error, wasConnected: false, now: platform.now)
        }
    }

    /// Over a connection that was opened again, or is another one from the same address, a check has succeeded. RFC 6544 §11.1: "Once an
    /// agent has sent a check and received a successful response, the connection is considered Valid, and media can be sent".
    func resume(_ id: SocketID, to address: TransportAddress) {
        guard let way = paths.first(where: { $0.id == id && $0.destination == address }), way.isSuspended else {
            return
        }
        way.isSuspended = false
        writable(id)
    }

    /// Closes the connections of a base that nobody uses.
    func disconnect(_ id: SocketID, except kept: [TransportAddress]) {
        withSocket(id) { known in
            guard let connections = known.connections else { return }
            connections.leaveServers()
            for remote in connections.connections.remotes where !kept.contains(remote) {
                connections.disconnect(remote)
            }
        }
    }
}
