public import NetBase
import TURNCore

// Connections of a relayed address that speaks TCP (RFC 6062).
extension TURNClient {
    /// Connects to a peer from the relayed address; the configuration's ``TURNClientConfiguration/relayTransport-swift.property`` must be
    /// TCP.
    ///
    /// The peer needs no permission for this one. What comes of it, refusals included, the connection's events tell:
    ///
    /// - ``TURNClientError/Code-swift.struct/connectionExists``: there is one to this peer already (446).
    /// - ``TURNClientError/Code-swift.struct/peerUnreachable``: the server could not connect to the peer (447); within 10 seconds it is
    ///   not asked again (``TURNClientError/Code-swift.struct/tooEarly``).
    /// - ``TURNClientError/Code-swift.struct/forbidden``: the server does not connect to such peers (403).
    /// - ``TURNClientError/Code-swift.struct/badRequest``: before ``onAllocate``, or with an allocation that speaks UDP.
    public func connect(to peer: TransportAddress) -> TURNConnection {
        let peer = peer.unscoped
        let connection = TURNConnection(with: peer, isIncoming: false, of: self)
        guard phase != .closed else {
            connection.abandon()
            return connection
        }
        guard phase == .allocated, core != nil else {
            connection.end(TURNClientError(connecting: peer, .noAllocation))
            return connection
        }
        guard !connections.contains(where: { $0.peer == peer && $0.state == .connecting }) else {
            connection.end(TURNClientError(connecting: peer, .refused(code: 446, reason: "asked for already")))
            return connection
        }
        connections.append(connection)
        core?.connect(to: peer, at: platform.now)
        perform()
        return connection
    }

    func accept(_ attempt: TURNConnectionAttempt) -> TURNConnection? {
        guard phase == .allocated, let taken = core?.accept(attempt.connection, at: platform.now) else { return nil }
        let connection = TURNConnection(with: taken.peer, isIncoming: true, of: self)
        connections.append(connection)
        connection.bind(taken)
        setAlarm()
        return connection
    }

    func refuse(_ attempt: TURNConnectionAttempt) { core?.refuse(attempt.connection) }

    func makeBinding(of connection: PeerConnection) -> ConnectionBinding? {
        core?.makeBinding(of: connection, generator: platform.makeRandomNumberGenerator())
    }

    func update(_ binding: inout ConnectionBinding) { core?.update(&binding) }

    func connected(_ peer: PeerConnection) {
        // Where nobody waits any more the server gives it up by itself.
        connections.first { $0.peer == peer.peer && $0.state == .connecting }?.bind(peer)
    }

    func connectFailed(_ peer: TransportAddress, _ failure: RequestFailure) {
        let connection = connections.first { $0.peer == peer && $0.state == .connecting }
        connection?.end(TURNClientError(connecting: peer, failure))
    }

    /// Without their allocation the server closes them all (RFC 6062 §5.5).
    func endConnections() {
        let ending = connections
        connections = []
        for connection in ending {
            let message =
                "the allocation that the connection to \(connection.peer) belonged to is gone: ask for another"
            connection.end(TURNClientError(.allocationGone, message))
        }
    }

    /// Closes them without a word.
    func abandonConnections() {
        let ending = connections
        connections = []
        for connection in ending { connection.abandon() }
    }

    func forget(_ connection: TURNConnection) {
        connections.removeAll { $0 === connection }
    }
}
