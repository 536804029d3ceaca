import DequeModule
package import NetBase
import STUN

// An allocation that outlives the client's address (RFC 8016).
extension AllocationClient {
    /// "it is RECOMMENDED that the client avoid transmitting a Send indication or ChannelData message until it has received an
    /// acknowledgement" (RFC 8016 §3.2.2): the server's, or what it relays to the new address.
    package var withholdsData: Bool { isMoving && !isReachedThere }

    /// Whether the server is being told of another address.
    package var isMoving: Bool { isAway || outstanding.contains { $0.request.purpose == .move } }

    /// Whether the server has given a ticket, with which the allocation can follow the client to another address.
    package var isMobile: Bool { lifecycle.allocation?.ticket != nil }

    /// Whether the address that the server knows is gone, and there is no way to it from another.
    package var isAway: Bool { awayUntil != nil }

    /// How long a way to the server is waited for, while consent lasts.
    private static let longestAbsence = Duration.seconds(10)

    /// The address that the server knows is gone: all waits for ``arrive(at:)``, what was asked is asked again behind it.
    package mutating func leave(at now: Instant) {
        guard isMobile else { return }
        awayUntil = awayUntil ?? now + Self.longestAbsence
        isReachedThere = false
        for sent in outstanding.reversed() where sent.request.purpose != .move { waiting.prepend(sent.request) }
        outstanding.removeAll()
    }

    /// There is a way to the server from another address: it is shown the ticket.
    package mutating func arrive(at now: Instant) {
        guard isAway else { return }
        awayUntil = nil
        _ = move(at: now)
    }

    mutating func advanceAbsence(to now: Instant) {
        if let awayUntil, awayUntil <= now { lose(.linkFailed(nil), at: now) }
    }

    /// The server does not know this address: it is shown the ticket, if there is one.
    ///
    /// RFC 8016 §3.2.1 has it shown only where the address has changed, which a client behind a NAT learns by this error alone.
    ///
    /// - Parameters:
    ///   - request: What the server refused for that reason, to be asked again behind it.
    ///   - isTentative: Whether it may be there all the same.
    mutating func move(
        at now: Instant, repeating request: TURNRequest? = nil, isTentative: Bool = false
    ) -> Bool {
        guard let allocation = lifecycle.allocation, allocation.ticket != nil else { return false }
        if var request {
            request.moves += 1
            guard request.moves <= Self.movesPerRequest else { return false }
            waiting.append(request)
        }
        guard !isMoving else { return true }
        isReachedThere = false
        // The nonce may be good for the old address only, and is answered with another then. A request without one would have to take any
        // answer: "the client MUST NOT proceed with mobility" (RFC 8016 §5).
        var request = TURNRequest(.move)
        request.isTentative = isTentative
        start(request, at: now)
        return true
    }

    /// A server that takes the ticket and refuses what follows is not asked for ever.
    private static let movesPerRequest = 2

    /// A peer's data has come from the server.
    package mutating func noteData() {
        if isMoving, !isAway { isReachedThere = true }
    }

    /// Says once more that the client has moved: the first time, there may have been no route yet.
    package mutating func repeatMove() {
        for sent in outstanding where sent.request.purpose == .move && !isReliable {
            perform(.send(sent.transaction.request.bytes))
        }
    }

    /// A server may not sign that it knows no allocation at this address (coturn does not where it gives tickets). The ticket is shown
    /// then, and whatever comes of it is no reason to give the allocation up unless it is signed that there is none.
    mutating func receive(unsigned error: STUNMessage.ErrorCode?, to index: Int, at now: Instant) {
        guard error?.code == 437, isMobile, !isMoving, case .refresh(1..., _) = outstanding[index].request.purpose
        else {
            return
        }
        outstanding.remove(at: index)
        _ = move(at: now, isTentative: true)
    }

    /// The ticket was refused. Where the server relays to this address all the same, it took it before.
    mutating func moveFailed(_ request: TURNRequest, _ error: STUNMessage.ErrorCode, at now: Instant) {
        if error.code != 437, request.isTentative || isReachedThere { return refreshLater(than: now) }
        tell(.error(.refresh, error))
        lose(.forgotten, at: now)
    }

    mutating func moveUnanswered(_ request: TURNRequest, at now: Instant) {
        if request.isTentative || isReachedThere { return refreshLater(than: now) }
        lose(.forgotten, at: now)
    }

    /// "This attribute will be presented by the client to the server during a subsequent Refresh request" (RFC 8016 §3.2.3).
    mutating func keepTicket(of response: STUNMessage) {
        guard case .allocated(var allocation) = lifecycle,
            let ticket = response[STUNMessage.MobilityTicket.self]?.value, !ticket.isEmpty
        else { return }
        allocation.ticket = ticket
        lifecycle = .allocated(allocation)
    }
}
