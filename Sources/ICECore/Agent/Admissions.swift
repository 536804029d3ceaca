import NetBase

/// The addresses whose data is the application's, for each socket: those that have proved themselves by a check or an answer (RFC 8445
/// §12.2: data is received on candidates that were "provided […] in the most recent candidate exchange").
struct Admissions {
    struct Admission: Equatable {
        let socket: SocketID
        let address: TransportAddress
        /// The generation whose credentials it proved itself by last.
        var generation: Int
    }

    private var all: [Admission] = []

    /// A peer that roams brings ever new addresses: the one that was admitted first then makes room.
    private static let limit = 256

    /// Admits an address.
    ///
    /// - Returns: Whether it is new, and which one it has displaced.
    mutating func admit(
        _ address: TransportAddress, on socket: SocketID, generation: Int, isUsed: (Admission) -> Bool
    ) -> (isNew: Bool, displaced: Admission?) {
        if let index = all.firstIndex(where: { $0.address == address && $0.socket == socket }) {
            all[index].generation = generation
            return (false, nil)
        }
        var displaced: Admission?
        if all.count >= Self.limit, let index = all.firstIndex(where: { !isUsed($0) }) {
            displaced = all.remove(at: index)
        }
        all.append(Admission(socket: socket, address: address, generation: generation))
        return (true, displaced)
    }

    /// Takes admissions back, and tells which.
    mutating func expel(where shouldGo: (Admission) -> Bool) -> [Admission] {
        let gone = all.filter(shouldGo)
        if !gone.isEmpty { all.removeAll(where: shouldGo) }
        return gone
    }
}

extension ICEAgent {
    /// Lets data in from an address that has proved itself.
    mutating func admit(_ address: TransportAddress, on socket: SocketID) {
        let components = components
        let (isNew, displaced) = admissions.admit(address, on: socket, generation: session.generation) { known in
            components.contains { $0.selected?.socket == known.socket && $0.selected?.destination == known.address }
        }
        if let displaced { emit(.expel(displaced.socket, displaced.address)) }
        // A connection from an address that is known is to be let in, too.
        if isNew || isTCP(socket) { emit(.admit(socket, address)) }
    }

    /// What an earlier generation let in is over once this one carries all components' data.
    mutating func expelEarlierGenerations() {
        let generation = session.generation
        guard components.allSatisfy({ $0.selected?.generation == generation }) else { return }
        expel { $0.generation < generation }
    }

    /// Checks that came before the peer's credentials were another session's: their sources are let in no longer.
    mutating func expel(sourcesOf strangers: [IncomingCheck]) {
        let used = components.compactMap(\.selected)
        expel { known in
            strangers.contains { $0.socket == known.socket && $0.source == known.address }
                && !used.contains { $0.socket == known.socket && $0.destination == known.address }
        }
    }

    mutating func expel(where shouldGo: (Admissions.Admission) -> Bool) {
        for gone in admissions.expel(where: shouldGo) { emit(.expel(gone.socket, gone.address)) }
    }
}
