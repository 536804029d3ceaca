package import NetBase

// Allocations that outlive the address that they were asked for from (RFC 8016).
extension ICEAgent {
    /// How long another address is waited for: as long as a peer may be silent before its silence is told.
    private static let relayPatience = Duration.seconds(5)

    /// The connection that an allocation was asked for over has left from an address that is gone.
    ///
    /// - Returns: Whether the allocation is kept; else it is for the caller to give it up.
    package mutating func relayStranded(_ id: SocketID, now: Instant) -> Bool {
        guard state != .closed, gatherer.strandRelay(id) else { return false }
        moveStrandedRelays(at: now)
        settle(at: now)
        return true
    }

    /// What can be moved goes to the sockets that there are; the rest waits for a while for one to come.
    mutating func moveStrandedRelays(at now: Instant) {
        guard !gatherer.strandedRelays.isEmpty else { return }
        for (id, base, path) in gatherer.sockets { moveStrandedRelays(to: id, base: base, path: path) }
        let waits = !gatherer.strandedRelays.isEmpty
        network.relayWait = waits ? network.relayWait ?? now + Self.relayPatience : nil
    }

    mutating func moveStrandedRelays(to id: SocketID, base: TransportAddress, path: StreamComponent) {
        for relay in gatherer.moveRelays(to: id, base: base, path: path) { emit(.moveRelay(relay, via: id)) }
    }

    /// No address came.
    mutating func loseStrandedRelays(at now: Instant) {
        network.relayWait = nil
        for relay in gatherer.strandedRelays {
            let ids = sockets.filter { $0.allocation == relay }.map(\.id)
            relayLost(ids, reason: "the address that its server was reached from is gone", now: now)
            for id in ids { emit(.closeSocket(id)) }
        }
    }
}
