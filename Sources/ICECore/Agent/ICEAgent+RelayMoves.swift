package import NetBase

// Allocations that outlive the address that they were asked for from (RFC 8016).
extension ICEAgent {
    /// How long another address is waited for: as long as a peer may be silent before its silence is told.
    private static let relayPatience = Duration.seconds(5)

    /// The connections that allocations were asked for over have left from an address that is gone.
    ///
    /// - Returns: The allocations that are kept; the others are for the caller to give up.
    package mutating func relaysStranded(_ ids: [SocketID], now: Instant) -> [SocketID] {
        guard state != .closed else { return [] }
        for relay in gatherer.strandRelays(ids) { emit(.holdRelay(relay)) }
        let kept = gatherer.strandedRelays
        moveStrandedRelays(at: now)
        settle(at: now)
        return kept
    }

    /// What can be moved goes to the sockets that there are; the rest waits for a while for one to come.
    mutating func moveStrandedRelays(at now: Instant) {
        guard !gatherer.strandedRelays.isEmpty else { return }
        for socket in gatherer.sockets where socket.reach == .all {
            moveStrandedRelays(to: socket.id, base: socket.base, path: socket.path, at: now)
        }
        network.wait(for: gatherer.strandedRelays, Self.relayPatience, at: now)
    }

    mutating func moveStrandedRelays(
        to id: SocketID, base: TransportAddress, path: StreamComponent, at now: Instant
    ) {
        let moved = gatherer.moveRelays(to: id, base: base, path: path)
        guard !moved.isEmpty else { return }
        for relay in moved { emit(.moveRelay(relay, via: id)) }
        network.wait(for: gatherer.strandedRelays, Self.relayPatience, at: now)
    }

    /// No address came.
    mutating func loseStrandedRelays(
        at now: Instant, where isOver: (NetworkWatch, SocketID) -> Bool = { _, _ in true }
    ) {
        guard network.waitsForRelays else { return }
        for relay in gatherer.strandedRelays where isOver(network, relay) {
            let ids = sockets.filter { $0.allocation == relay }.map(\.id)
            relayLost(ids, reason: "the address that its server was reached from is gone", now: now)
            for id in ids { emit(.closeSocket(id)) }
        }
        network.wait(for: gatherer.strandedRelays, Self.relayPatience, at: now)
    }
}
