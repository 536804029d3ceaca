import NetBase

// What statistics and traces name things by. A name never changes and never comes to mean anything else within a client.

extension PairID: CustomStringConvertible {
    /// `CP`, then the generation, the stream and the place in the order of the pairs' making, as in `CP0.0.3`.
    package var description: String { "CP\(generation).\(stream.index).\(serial)" }
}

extension LocalCandidate {
    /// `L`, the number of the socket, and the address or the name, as in `L0-192.0.2.1:50000`.
    package var id: String { Self.id(of: candidate, on: socket) }

    static func id(of candidate: Candidate, on socket: SocketID) -> String { "L\(socket.number)-\(candidate.place)" }
}

extension Candidate {
    /// The name of a candidate of the peer: `R`, its component, and the address or the name, as in `R0/1-198.51.100.2:40000`; of one that a
    /// check has shown, a number, as in `R0/1-prflx0.1`.
    ///
    /// That stays when it is signalled after all, be it with a name in the place of its address.
    package var remoteID: String { "R\(path)-\(alias ?? place)" }
}

extension CheckPair {
    /// The name of this agent's end: of the valid candidate once there is one.
    package var localID: String { LocalCandidate.id(of: valid?.local ?? local.candidate, on: socket) }
}
