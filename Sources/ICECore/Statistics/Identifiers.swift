import NetBase

// What statistics and traces name things by. A name never changes and never comes to mean anything else within a client.

extension PairID: CustomStringConvertible {
    /// `CP`, then the generation, the stream and the place in the order of the pairs' making, as in `CP0.0.3`.
    package var description: String { "CP\(generation).\(stream.index).\(serial)" }
}

extension LocalCandidate {
    /// `L`, the number of the socket, and the address, as in `L0-192.0.2.1:50000`.
    package var id: String { Self.id(of: candidate, on: socket) }

    static func id(of candidate: Candidate, on socket: SocketID) -> String { "L\(socket.number)-\(candidate.address)" }
}

extension Candidate {
    /// The name of a candidate of the peer: `R`, its component, and the address, as in `R0/1-198.51.100.2:40000`.
    ///
    /// It stays when a candidate that a check has shown is signalled after all.
    package var remoteID: String { "R\(path)-\(address)" }
}

extension CheckPair {
    /// The name of this agent's end: of the valid candidate once there is one.
    package var localID: String { LocalCandidate.id(of: valid?.local ?? local.candidate, on: socket) }
}
