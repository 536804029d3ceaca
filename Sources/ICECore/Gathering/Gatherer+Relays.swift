import NetBase
import STUN

// The allocations that are asked for, and what becomes of them.
extension Gatherer {
    var hasQueuedRelays: Bool { relays.hasQueued }

    /// Starts the next allocation, under the ID that its first relayed address will have.
    mutating func beginNextRelay(as id: SocketID) -> (RelayRequests.Request, ServerURL)? {
        relays.beginNext(as: id).map { ($0, servers[$0.serverIndex].url) }
    }

    /// The request whose allocation is there; nil if it was given up.
    mutating func relayOpened(_ id: SocketID, isMobile: Bool? = nil) -> (RelayRequests.Request, ServerURL)? {
        relays.opened(id, isMobile: isMobile).map { ($0, servers[$0.serverIndex].url) }
    }

    mutating func relayFailed(_ id: SocketID, code: Int, text: String) -> CandidateError? {
        guard let request = relays.failed(id) else { return nil }
        if Self.lackOfResources.contains(code) { askForMapping(insteadOf: request) }
        return report(request, code: code, text: text)
    }

    /// Tells why there is no relay. Many servers relay UDP alone, and say so with 442 (RFC 6062 §5.1): from one that gives a relay of that
    /// kind, or may still do so, none for TCP is missed.
    mutating func report(_ request: RelayRequests.Request, code: Int, text: String) -> CandidateError? {
        guard request.relayed == .udp || !relays.isServing(request.serverIndex) else { return nil }
        return report(request.serverIndex, from: request.base, code: code, text: text)
    }

    /// The user's quota is spent, or the server's capacity (RFC 8656 §19).
    private static let lackOfResources = [486, 508]

    /// RFC 8445 §5.1.1.2: where the server "lacks resources to fulfill it, the agent SHOULD instead send a Binding request".
    private mutating func askForMapping(insteadOf request: RelayRequests.Request) {
        let isAsked = queries.contains { $0.socket == request.via && $0.server == request.server }
        guard state == .gathering, request.transport == .udp, !usesRelaysOnly, !isAsked else { return }
        queries.append(
            Query(socket: request.via, base: request.base, server: request.server, serverIndex: request.serverIndex))
    }

    /// The relay of the client that the application has attached came, or will not come.
    mutating func attachedRelayEnded() { openingSockets -= 1 }

    /// An allocation is gone: while gathering goes on it is asked for anew, from another socket where its own is gone too.
    ///
    /// - Parameter isCalm: Whether the last loss was long ago; else the server gets a pause.
    mutating func relayLost(_ id: SocketID, isCalm: Bool) {
        guard state == .gathering, let lost = relays.take(id) else { return relays.remove(id) }
        let own = sockets.first { $0.id == lost.via }
        let other = sockets.first {
            $0.path == lost.path && $0.base.family == lost.base.family && !$0.base.ip.isLoopback
        }
        guard let socket = own ?? other else { return }
        var request = lost.anew(from: (socket.id, socket.base))
        if !isCalm { request.state = .failed }
        relays.add(request)
    }

    var strandedRelays: [SocketID] { relays.stranded }

    /// - Returns: Those that are kept from now on.
    mutating func strandRelays(_ ids: [SocketID]) -> [SocketID] {
        relays.strand(ids, besides: Set(sockets.map(\.id)))
    }

    /// - Returns: The allocations that follow to the socket.
    mutating func moveRelays(
        to id: SocketID, base: TransportAddress, path: StreamComponent
    ) -> [SocketID] {
        let moved = relays.move(to: (id, base), for: path) {
            !base.ip.isLoopback && Self.canReach($0, from: base.ip)
        }
        // An Allocate request would have shown what a NAT makes of the new address.
        for request in moved { askForMapping(insteadOf: request) }
        return moved.compactMap(\.allocation)
    }

    mutating func forgetRelay(_ id: SocketID) { relays.remove(id) }

    /// Gives up the allocations that are not there yet, and tells which of them were begun.
    mutating func giveUpRelays() -> [SocketID] { relays.giveUp().opening }
}
