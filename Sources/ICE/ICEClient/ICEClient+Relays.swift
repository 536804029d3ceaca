import ICECore
import NetBase
import STUN

/// An allocation that a client uses: a TURN client of its own, or the one that the application has attached.
final class Relay {
    let client: TURNClient
    /// The socket that the server is spoken to from, where it is shared.
    var via: SocketID?
    /// Whether the application owns the client, so that it is not for us to close it.
    let isAttached: Bool
    /// The server of the configuration that it is on.
    let server: ICEServer?
    /// Whether its server wants an access token that has not come.
    var wantsToken = false
    /// The sockets that stand for its relayed addresses; the first of them names it.
    var ids: [SocketID]
    var isOpen = false
    /// The relayed addresses as they are connected to and from, where they speak TCP.
    private var connections: [RelayedConnections] = []

    init(_ client: TURNClient, id: SocketID, via: SocketID?, isAttached: Bool, server: ICEServer? = nil) {
        self.client = client
        self.server = server
        ids = [id]
        self.via = via
        self.isAttached = isAttached
    }

    /// Whether it speaks to a server from a socket that is shared.
    func isAsking(_ server: TransportAddress, from id: SocketID) -> Bool {
        via == id && client.isSharing && client.serverAddress == server
    }

    /// The connections of one of its addresses that speak TCP; a peer's go to the first that takes them.
    func makeConnections(at relayed: TransportAddress, _ type: Candidate.TCPType) -> RelayedConnections {
        let made = RelayedConnections(of: client, at: relayed, type)
        connections.append(made)
        client.onConnectionAttempt = { [weak self] attempt in
            guard let taker = self?.connections.first(where: { $0.takes(attempt) }) else { return attempt.refuse() }
            taker.take(attempt)
        }
        return made
    }
}

extension ICEClient {
    // MARK: Allocating

    func openRelay(_ order: RelayOrder) {
        do throws(TURNClientError) {
            let relay = try makeRelay(order)
            relays = relays + [relay]
            relay.client.observer = { [reference, weak relay] event in
                if let client = reference.client, let relay { client.take(event, from: relay) }
            }
            if relay.isAttached, let allocation = relay.client.allocation {
                relayOpened(relay, allocation)
            } else {
                relay.client.allocate()
            }
        } catch {
            agent.relayFailed(order.id, code: CandidateError.unreachable, text: error.message, now: platform.now)
        }
    }

    private func makeRelay(_ order: RelayOrder) throws(TURNClientError) -> Relay {
        guard let url = order.server, let address = order.address else {
            guard let turnClient else {
                throw TURNClientError(
                    .invalidConfiguration, "no TURN client is attached: set turnClient before gathering")
            }
            guard turnClient.phase != .closed else {
                throw TURNClientError(.invalidConfiguration, "the attached TURN client is closed: set an open one")
            }
            return Relay(turnClient, id: order.id, via: nil, isAttached: true)
        }
        let via = sockets.first { $0.id == order.via }?.socket
        let server = configuration.servers.first { $0.parsed.contains(url) }
        var turn = TURNClientConfiguration(
            host: address.ip.description, port: url.port, transport: url.transport, username: server?.username ?? "",
            password: server?.credential ?? "")
        turn.tls = server?.tls ?? TLSOptions()
        turn.tls.serverName = turn.tls.serverName ?? url.host
        turn.localAddress = via.map { TransportAddress($0.localAddress.ip, port: 0) }
        turn.relayFamilies = [.v4, .v6]
        if order.relayed == .tcp {
            turn.relayTransport = .tcp
        } else {
            // Connections would stay behind.
            turn.wantsMobility = configuration.relayMobility
        }
        let pacing = configuration.pacing
        turn.retransmission = pacing.schedule(pacing.initialRetransmissionTimeout)
        let shared = url.transport == .udp ? via : nil
        let client = try TURNClient(platform: platform, configuration: turn, sharing: shared)
        client.routesDue = order.via.flatMap { agent.routesDue(for: $0) }
        if let server { equip(client, for: server) }
        return Relay(client, id: order.id, via: shared == nil ? nil : order.via, isAttached: false, server: server)
    }

    // MARK: What the server says

    private func take(_ event: TURNEvent, from relay: Relay) {
        switch event {
        case .allocated(let allocation):
            relayOpened(relay, allocation)
        case .permissionLost(let peer):
            input { $0.permissionRefused(on: relay.ids, for: peer, now: $1) }
        case .lost(let error):
            relayLost(relay, reason: error.message)
        case .refreshed(.zero):
            relayLost(relay, reason: "the application has released the allocation")
        case .responseError(.allocate, let code, let reason) where !relay.isOpen:
            relayFailed(relay, code: code, text: reason)
        case .failed(let error) where !relay.isOpen:
            relayFailed(relay, code: error.candidateErrorCode, text: error.message)
        case .accessTokenNeeded(let serverName):
            askForToken(for: relay, serverName)
        case .refreshed:
            if let first = relay.ids.first { input { $0.relayConfirmed(first, now: $1) } }
        case .permitted, .channelBound, .channelLost, .peerError, .responseError, .failed:
            break
        }
    }

    private func relayOpened(_ relay: Relay, _ allocation: TURNAllocation) {
        guard let first = relay.ids.first else { return }
        relay.isOpen = true
        let relayed = agent.relayOpened(
            first, relayed: allocation.relayedAddresses, server: allocation.serverAddress.ip,
            mapped: allocation.reflexiveAddress, isShared: relay.client.isSharing,
            isMobile: !relay.isAttached && relay.client.isMobile, now: platform.now)
        relay.ids = relayed.map(\.id)
        if relayed.isEmpty { drop(relay) }
        for (base, socket) in zip(relayed, relay.client.makeRelayedSockets()) {
            adopt(socket, as: base.id, for: base.path)
        }
        for base in relayed {
            guard case .tcp(let type) = base.transport else { continue }
            let source = relay.makeConnections(at: base.address, type)
            adopt(connections: TCPCandidateSocket(on: platform, type, source), as: base.id, for: base.path)
        }
        perform()
    }

    private func relayFailed(_ relay: Relay, code: Int, text: String) {
        drop(relay)
        guard let first = relay.ids.first else { return }
        input { $0.relayFailed(first, code: code, text: text, now: $1) }
    }

    private func relayLost(_ relay: Relay, reason: String) {
        guard relay.isOpen else { return relayFailed(relay, code: CandidateError.unreachable, text: reason) }
        drop(relay)
        for id in relay.ids { dropSocket(id) }
        input { $0.relayLost(relay.ids, reason: reason, now: $1) }
    }

    private func drop(_ relay: Relay) {
        relays = relays.filter { $0 !== relay }
        relay.client.observer = nil
        if !relay.isAttached { relay.client.close() }
    }

    // MARK: Using and freeing

    /// Connections that left from an address that is gone carry nothing any more.
    func loseStrandedRelays(present: [InterfaceAddress]) {
        let stranded = relays.filter { relay in
            guard !relay.isAttached, !relay.client.isSharing, let own = relay.client.localAddress else { return false }
            return !own.ip.isUnspecified && !present.contains { $0.ip == own.ip }
        }
        let mobile = stranded.filter { $0.isOpen && $0.client.isMobile }.compactMap(\.ids.first)
        let kept = mobile.isEmpty ? [] : input { $0.relaysStranded(mobile, now: $1) }
        for relay in stranded where !kept.contains(where: relay.ids.contains) {
            relayLost(relay, reason: "the address that its server was reached from is gone")
        }
    }

    func holdRelay(_ id: SocketID) { relays.first { $0.ids.contains(id) }?.client.leave() }

    func moveRelay(_ id: SocketID, via other: SocketID) {
        guard let relay = relays.first(where: { $0.ids.contains(id) }),
            let socket = sockets.first(where: { $0.id == other })?.socket
        else { return }
        if relay.client.isSharing {
            // Two allocations need two five-tuples, and a redirection may have led both to one server.
            let server = relay.client.serverAddress
            guard !relays.contains(where: { $0 !== relay && $0.via == other && $0.client.serverAddress == server })
            else {
                return relayLost(relay, reason: "the address that its server was reached from is gone")
            }
            relay.via = other
        }
        relay.client.move(to: socket)
    }

    func confirmRelay(_ id: SocketID) {
        guard let client = relays.first(where: { $0.ids.contains(id) })?.client else { return }
        client.refresh(lifetime: client.configuration.lifetime)
    }

    func permit(_ peer: IPAddress, on id: SocketID) {
        relays.first { $0.ids.contains(id) }?.client.createPermission(for: peer)
    }

    /// An allocation is freed when the last of its addresses is closed, or while it is still being made.
    func closeRelay(_ id: SocketID) {
        guard let relay = relays.first(where: { $0.ids.contains(id) }) else { return }
        relay.ids.removeAll { $0 == id }
        if relay.ids.isEmpty { drop(relay) }
    }

    func closeRelays() {
        for relay in relays { drop(relay) }
    }

    /// Hands a datagram on a shared socket to the relays whose server it comes from, unless it is an answer to a Binding request, which
    /// the same server may have been asked as well; whether it was theirs.
    ///
    /// Where a redirection has led a second one there, each knows its own answers, and the server refuses it the five-tuple.
    func deliverToRelays(_ bytes: Span<UInt8>, on id: SocketID, from source: TransportAddress) -> Bool {
        let isBinding = STUNMessage.looksLikeSTUN(bytes) && bytes[0] & 0x3e == 0 && bytes[1] & 0xef == 1
        guard !isBinding else { return false }
        var isTaken = false
        for relay in relays where relay.isAsking(source, from: id) {
            relay.client.receive(bytes)
            isTaken = true
        }
        return isTaken
    }
}
