package import NetBase
import STUN

// MARK: - What clients ask for

extension TURNServerCore {
    /// Begins to connect to a peer; the answer comes with the outcome (RFC 6062 §5.2).
    mutating func connect(
        _ request: STUNMessage, _ pass: LongTermGatekeeper.Pass, _ allocation: ServerAllocation, at now: Instant
    ) throws(TURNRefusal) {
        guard let peer = try request.checked(STUNMessage.XORPeerAddress.self)?.address, allocation.speaksTCP else {
            throw .error(.badRequest)
        }
        guard !connections.contains(where: { $0.owner == allocation.tuple && $0.peer == peer }) else {
            throw .error(.connectionExists)
        }
        guard let relay = allocation.relay(peer.family)?.address else { throw .error(.peerFamilyMismatch) }
        guard !settings.deniedPeers.contains(peer.ip) else { throw .error(.forbidden) }
        let id = nextConnectionID()
        connections.append(
            ServerPeerConnection(
                id: id, peer: peer, relay: relay, owner: allocation.tuple,
                stage: .connecting(request, pass, until: now + settings.connectTimeout)))
        emit(.connect(id, from: relay, to: peer))
    }

    /// Binds the connection that the request came on to a peer's (RFC 6062 §5.4).
    mutating func bindConnection(
        _ request: STUNMessage, for username: String, on tuple: TURNFiveTuple
    ) throws(TURNRefusal) -> STUNMessage {
        guard tuple.transport.isReliable, allocations[tuple] == nil,
            let id = try request.checked(STUNMessage.ConnectionID.self)?.value,
            let index = connections.firstIndex(where: { $0.id == id }), case .pending = connections[index].stage
        else { throw .error(.badRequest) }
        guard allocations[connections[index].owner]?.username == username else { throw .error(.wrongCredentials) }
        connections[index].stage = .bound(tuple)
        return success(request)
    }

    private mutating func nextConnectionID() -> UInt32 {
        var id: UInt32
        repeat {
            id = UInt32.random(in: .min ... .max, using: &generator)
        } while connections.contains { $0.id == id }
        return id
    }
}

// MARK: - What becomes of the peers' connections

extension TURNServerCore {
    /// A peer has connected to a relayed address: the connection's number, or nil where it is to be closed (RFC 6062 §5.3).
    package mutating func accept(
        from peer: TransportAddress, onRelay relay: TransportAddress, at now: Instant
    ) -> UInt32? {
        advance(to: now)
        guard let owner = owners[relay], let allocation = allocations[owner] else { return nil }
        guard allocation.allows(peer.ip, at: now) else {
            noteDrop(.noPermission)
            return nil
        }
        let id = nextConnectionID()
        connections.append(
            ServerPeerConnection(
                id: id, peer: peer, relay: relay, owner: owner, stage: .pending(until: now + settings.bindTimeout)))
        var message = STUNMessage(
            .indication, .connectionAttempt, transactionID: STUNTransactionID(using: &generator))
        message.append(STUNMessage.XORPeerAddress(peer))
        message.append(STUNMessage.ConnectionID(id))
        count(\.connectionAttempts)
        emit(.deliver(message.bytes, to: owner))
        updateDeadline()
        return id
    }

    /// The connection to a peer that was to be made is there, or could not be made.
    package mutating func connected(_ id: UInt32, _ isSuccess: Bool, at now: Instant) {
        advance(to: now)
        guard let index = connections.firstIndex(where: { $0.id == id }),
            case .connecting(let request, let pass, _) = connections[index].stage
        else { return }
        guard isSuccess else { return connectFailed(connections.remove(at: index)) }
        connections[index].stage = .pending(until: now + settings.bindTimeout)
        var response = success(request)
        response.append(STUNMessage.ConnectionID(id))
        seal(response, pass, for: request, to: connections[index].owner)
        updateDeadline()
    }

    /// A peer has ended its connection; those that nobody has bound to it are forgotten.
    package mutating func peerClosed(_ id: UInt32, at now: Instant) {
        guard let index = connections.firstIndex(where: { $0.id == id }) else { return }
        if let client = connections.remove(at: index).client { emit(.hangUp(client)) }
        updateDeadline()
    }

    /// A client's connection is gone: if it was bound to a peer's, that goes too.
    mutating func closePeer(boundTo tuple: TURNFiveTuple) {
        guard let index = connections.firstIndex(where: { $0.client == tuple }) else { return }
        emit(.closePeer(connections.remove(at: index).id))
    }

    /// "If the allocation associated with a data connection expires, the data connection MUST be closed" (RFC 6062 §5.5).
    mutating func closeConnections(of relay: TransportAddress) {
        for connection in connections where connection.relay == relay {
            emit(.closePeer(connection.id))
            if let client = connection.client { emit(.hangUp(client)) }
        }
        connections.removeAll { $0.relay == relay }
    }

    mutating func expireConnections(at now: Instant) {
        let gone = connections.filter { $0.expiry.map { $0 <= now } ?? false }
        connections.removeAll { connection in gone.contains { $0.id == connection.id } }
        for connection in gone {
            emit(.closePeer(connection.id))
            connectFailed(connection)
        }
    }

    private mutating func connectFailed(_ connection: ServerPeerConnection) {
        guard case .connecting(let request, let pass, _) = connection.stage else { return }
        seal(response(to: request, .connectionFailed), pass, for: request, to: connection.owner)
    }

    /// The client's connection that a request has just bound.
    func connectionID(boundTo tuple: TURNFiveTuple) -> UInt32? {
        connections.first { $0.client == tuple }?.id
    }
}
