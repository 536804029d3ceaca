import NetBase

/// The allocations asked of TURN servers, one per base and server (RFC 8445 §5.1.1.2); the shell talks to the servers.
struct RelayRequests {
    /// One allocation.
    struct Request {
        enum State {
            case queued
            case opening(SocketID)
            /// It is there from an earlier generation, and the server is asked whether it still is.
            case confirming(SocketID)
            case open(SocketID)
            /// It is there, but the address that its server knows is gone.
            case stranded(SocketID)
            case failed
        }

        /// The socket whose address, or for UDP itself, the server is spoken to from.
        let via: SocketID
        let base: TransportAddress
        let server: TransportAddress
        let serverIndex: Int
        let transport: TransportProtocol
        /// What the relayed address and the peers speak.
        let relayed: RelayedTransport
        /// What the relay is for.
        let path: StreamComponent
        var state = State.queued
        /// Whether it can follow to another address (RFC 8016).
        var isMobile = false
        /// Whether it is stranded while the server has still to confirm it.
        var isUnconfirmed = false

        init(
            via: SocketID, base: TransportAddress, server: TransportAddress, serverIndex: Int,
            transport: TransportProtocol, relayed: RelayedTransport = .udp, path: StreamComponent
        ) {
            self.via = via
            self.base = base
            self.server = server
            self.serverIndex = serverIndex
            self.transport = transport
            self.relayed = relayed
            self.path = path
        }

        /// Whether one allocation does for both: "the same five-tuple can have no other" over UDP (RFC 8656 §5), and a connection leaves
        /// from where the routes say, whatever the base.
        func serves(_ other: Request) -> Bool {
            if transport.isReliable {
                return path == other.path && serverIndex == other.serverIndex && base.family == other.base.family
                    && relayed == other.relayed
            }
            if via != other.via { return false }
            return serverIndex == other.serverIndex
                || transport == .udp && other.transport == .udp && server == other.server
        }

        var isPending: Bool {
            switch state {
            case .queued, .opening, .confirming: true
            case .open, .stranded, .failed: false
            }
        }

        var isQueued: Bool {
            if case .queued = state { true } else { false }
        }

        /// The allocation, by the ID of its first socket: there, or on its way.
        var allocation: SocketID? {
            switch state {
            case .opening(let id), .confirming(let id), .open(let id), .stranded(let id): id
            case .queued, .failed: nil
            }
        }

        /// The same from another socket, to be asked for anew.
        func anew(from other: (id: SocketID, base: TransportAddress)) -> Request {
            Request(
                via: other.id, base: other.base, server: server, serverIndex: serverIndex, transport: transport,
                relayed: relayed, path: path)
        }

        /// The same from another socket; what was under way from the old one begins anew.
        func moved(to other: (id: SocketID, base: TransportAddress)) -> Request {
            var moved = anew(from: other)
            moved.state = state
            moved.isMobile = isMobile
            moved.isUnconfirmed = isUnconfirmed
            return moved
        }

        func isOpening(_ id: SocketID) -> Bool {
            switch state {
            case .opening(id), .confirming(id): true
            default: false
            }
        }
    }

    private(set) var all: [Request] = []

    var hasQueued: Bool { all.contains(where: \.isQueued) }
    var isPending: Bool { all.contains(where: \.isPending) }

    /// Asks for one, unless there is one that does, of an earlier generation perhaps.
    mutating func add(_ request: Request) {
        guard !all.contains(where: { $0.serves(request) }) else { return }
        all.append(request)
    }

    private var nextIndex: Int? {
        let queued = all.indices.filter { all[$0].isQueued }
        return queued.first { all[$0].transport == .udp } ?? queued.first { all[$0].relayed == .udp } ?? queued.first
    }

    /// Starts the next one, under the ID that its first relayed address will have: those over UDP first, which show what a NAT has made of
    /// the base as well, and make the better relays; those for TCP last, so that nothing waits for them.
    mutating func beginNext(as id: SocketID) -> Request? {
        guard let index = nextIndex else { return nil }
        all[index].state = .opening(id)
        return all[index]
    }

    /// The request that an answer belongs to, which is now open; nil if nobody waits for it.
    mutating func opened(_ id: SocketID, isMobile: Bool?) -> Request? {
        guard let index = all.firstIndex(where: { $0.isOpening(id) }) else { return nil }
        all[index].state = .open(id)
        if let isMobile { all[index].isMobile = isMobile }
        return all[index]
    }

    /// The request that has failed; nil if nobody waits for it.
    mutating func failed(_ id: SocketID) -> Request? {
        guard let index = all.firstIndex(where: { $0.isOpening(id) }) else { return nil }
        all[index].state = .failed
        return all[index]
    }

    /// Whether a server gives a relay, or may still give one.
    func isServing(_ serverIndex: Int) -> Bool {
        all.contains { $0.serverIndex == serverIndex && ($0.isPending || $0.allocation != nil) }
    }

    /// Gives up what is not there yet: the requests, and the IDs of those that were begun.
    mutating func giveUp() -> (requests: [Request], opening: [SocketID]) {
        // What carries data may be there all the same: it goes when the server says that it has gone.
        for index in all.indices {
            if case .confirming(let id) = all[index].state { all[index].state = .open(id) }
        }
        let pending = all.filter(\.isPending)
        let opening = pending.compactMap { request -> SocketID? in
            if case .opening(let id) = request.state { id } else { nil }
        }
        for index in all.indices where all[index].isPending { all[index].state = .failed }
        return (pending, opening)
    }

    /// Forgets what is for components that are no more, and tells which allocations were begun for them.
    mutating func forget(_ paths: Set<StreamComponent>) -> [SocketID] {
        let opening = all.compactMap { request -> SocketID? in
            if paths.contains(request.path), case .opening(let id) = request.state { id } else { nil }
        }
        all.removeAll { paths.contains($0.path) }
        return opening
    }

    /// Forgets an allocation that was freed or lost.
    mutating func remove(_ id: SocketID) { all.removeAll { $0.allocation == id } }

    /// Takes out the request of an allocation that turned out to be gone.
    mutating func take(_ id: SocketID) -> Request? {
        all.firstIndex { $0.allocation == id }.map { all.remove(at: $0) }
    }

    /// Connections do not depend on the socket that they were asked for with: what is not there yet is asked for with another.
    mutating func rebase(from socket: SocketID, to other: (id: SocketID, base: TransportAddress)) {
        for index in all.indices where all[index].via == socket && all[index].transport.isReliable {
            guard other.base.family == all[index].base.family else { continue }
            all[index] = all[index].moved(to: other)
        }
    }

    /// The socket is gone. What was allocated over datagrams from it is gone with it; a connection may have left from elsewhere.
    ///
    /// - Returns: The allocations that are gone, and those that were on their way.
    mutating func forget(via socket: SocketID) -> [SocketID] {
        let gone = all.filter { request in
            guard request.via == socket else { return false }
            switch request.state {
            case .open, .confirming: return !request.transport.isReliable
            case .stranded: return false
            case .queued, .opening, .failed: return true
            }
        }
        all.removeAll { request in gone.contains { $0.serves(request) && $0.via == request.via } }
        return gone.compactMap(\.allocation)
    }

    // MARK: Following to another address (RFC 8016)

    /// Allocations whose way to the server is gone.
    var stranded: [SocketID] {
        all.compactMap { if case .stranded(let id) = $0.state { id } else { nil } }
    }

    /// The ways to the servers are gone. An allocation goes with its own where it can't be moved, and where another one stands in.
    ///
    /// - Parameter sockets: What is left of this machine's sockets.
    /// - Returns: Those that are kept from now on.
    mutating func strand(_ ids: [SocketID], besides sockets: Set<SocketID>) -> [SocketID] {
        let standIns = all.filter { request in
            guard case .open(let id) = request.state else { return false }
            return !ids.contains(id) && sockets.contains(request.via)
        }
        var kept: [SocketID] = []
        for index in all.indices {
            guard let id = all[index].allocation, ids.contains(id), all[index].isMobile else { continue }
            let (path, family) = (all[index].path, all[index].base.family)
            if standIns.contains(where: { $0.path == path && $0.base.family == family }) { continue }
            switch all[index].state {
            case .open: break
            case .confirming: all[index].isUnconfirmed = true
            case .stranded, .queued, .opening, .failed: continue
            }
            all[index].state = .stranded(id)
            kept.append(id)
        }
        return kept
    }

    /// What was allocated from sockets of this machine; a connection leaves from where the routes say, whatever the socket.
    func allocations(via sockets: Set<SocketID>) -> [SocketID] {
        all.compactMap { sockets.contains($0.via) && !$0.transport.isReliable ? $0.allocation : nil }
    }

    /// Allocations that are stranded follow to a socket of their component, as far as it has none at the server.
    ///
    /// - Parameter canReach: Whether there may be a way from the socket to a server.
    /// - Returns: Those that do.
    mutating func move(
        to socket: (id: SocketID, base: TransportAddress), for path: StreamComponent, canReach: (IPAddress) -> Bool
    ) -> [Request] {
        var moving: [Request] = []
        for id in stranded {
            guard let index = all.firstIndex(where: { $0.allocation == id }), all[index].path == path,
                all[index].base.family == socket.base.family, canReach(all[index].server.ip)
            else { continue }
            var moved = all[index].moved(to: socket)
            moved.state = all[index].isUnconfirmed ? .confirming(id) : .open(id)
            let rivals = all.filter { $0.allocation != id && $0.serves(moved) }
            guard rivals.allSatisfy({ $0.allocation == nil }) else { continue }
            moved.isUnconfirmed = false
            all[index] = moved
            all.removeAll { $0.allocation == nil && $0.serves(moved) }
            moving.append(moved)
        }
        return moving
    }

    var hasFailed: Bool { all.contains { if case .failed = $0.state { true } else { false } } }

    /// Asks again for what was not to be had.
    mutating func retryFailed() {
        for index in all.indices {
            if case .failed = all[index].state { all[index].state = .queued }
        }
    }

    /// A new generation keeps the allocations there are, once the server has confirmed them, and asks for the rest again.
    ///
    /// - Returns: What is to be confirmed.
    mutating func beginGeneration() -> [SocketID] {
        all.removeAll { request in
            switch request.state {
            case .queued, .failed: true
            case .opening, .confirming, .open, .stranded: false
            }
        }
        var unconfirmed: [SocketID] = []
        for index in all.indices {
            let id: SocketID
            switch all[index].state {
            case .open(let known), .confirming(let known): id = known
            default: continue
            }
            all[index].state = .confirming(id)
            unconfirmed.append(id)
        }
        return unconfirmed
    }
}
