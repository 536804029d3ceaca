import NetBase
import STUN

// Allocations that follow their clients (RFC 8016 §3.2.2).
extension TURNServerCore {
    /// Lets an allocation follow its client to another five-tuple.
    ///
    /// The old five-tuple is left at once, where RFC 8016 lets it be served until the client sends data from the new one.
    mutating func move(
        _ request: STUNMessage, by ticket: [UInt8], of username: String, to tuple: TURNFiveTuple, at now: Instant
    ) throws(TURNRefusal) -> STUNMessage {
        guard settings.mobility != .forbidden else { throw .error(.mobilityForbidden) }
        let known = inOrder.first { $0.tickets?.now == ticket || ($0.tickets?.before == ticket && !ticket.isEmpty) }
        guard settings.mobility == .allowed, let known else { throw .error(.allocationMismatch) }
        guard known.username == username else { throw .error(.wrongCredentials) }
        let isRepeated = known.tickets?.before == ticket
        // "is the same as the stored 5-tuple allocation, then the TURN server rejects the request with a 400"
        guard (known.tuple == tuple) == isRepeated else { throw .error(.badRequest) }
        var moved = known
        if !isRepeated {
            allocations[known.tuple] = nil
            moved.move(to: tuple)
            moved.giveTicket(makeTicket())
            for relay in moved.relays { owners[relay.address] = tuple }
            allocations[tuple] = moved
        }
        var response = try refresh(request, moved, at: now)
        if let ticket = moved.tickets?.now { response.append(STUNMessage.MobilityTicket(ticket)) }
        return response
    }

    mutating func makeTicket() -> [UInt8] {
        (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}

extension STUNMessage.ErrorCode {
    /// 405: the server lets no allocation follow its client (RFC 8016 §3.4).
    static let mobilityForbidden = Self(code: 405, reason: "Mobility Forbidden")
}
