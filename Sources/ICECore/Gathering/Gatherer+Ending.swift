import NetBase
import STUN

extension Gatherer {
    /// The servers that no socket could be brought together with: of another address family, or out of a loopback address's reach.
    mutating func unusableServers() -> [CandidateError] {
        guard state == .gathering, openingSockets <= 0, !sockets.isEmpty else { return [] }
        return servers.indices.compactMap { index in
            let server = servers[index]
            let isWanted = server.url.service == .turn || (server.url.transport == .udp && !usesRelaysOnly)
            guard isWanted, !server.isAsked, let addresses = server.addresses, !addresses.isEmpty else { return nil }
            if !server.url.transport.isReliable, sockets.allSatisfy({ $0.reach == .streams }) {
                return report(
                    index, from: nil, code: CandidateError.unreachable,
                    text: "transports is without .udp: write ?transport=tcp, or turns:, in the server's URL")
            }
            let sharesFamily = sockets.contains { socket in addresses.contains { $0.family == socket.base.family } }
            return report(
                index, from: nil, code: sharesFamily ? CandidateError.unreachable : CandidateError.familyMismatch,
                text: sharesFamily
                    ? "no local address reaches the server" : "no local address is of the server's address family")
        }
    }

    /// Whether it answers a request that only keeps a mapping alive (RFC 8445 §5.1.1.4).
    func isKeepaliveAnswer(_ response: STUNMessage, from source: TransportAddress, on socket: SocketID) -> Bool {
        queries.contains { query in
            guard case .answered = query.state, query.socket == socket, query.server == source else { return false }
            return response.method == .binding
        }
    }

    /// RFC 8445 §8.3: once ICE has completed, the mappings that were not selected need no keeping.
    mutating func stopKeepalives() {
        queries.removeAll { if case .answered = $0.state { true } else { false } }
    }
}
