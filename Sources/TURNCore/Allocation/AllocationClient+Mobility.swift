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

    /// The address that the server knows is gone: all waits for ``arrive(at:)``, what was asked is asked again behind it.
    package mutating func leave() {
        guard isMobile else { return }
        isAway = true
        isReachedThere = false
        for sent in outstanding.reversed() where sent.request.purpose != .move { waiting.prepend(sent.request) }
        outstanding.removeAll()
    }

    /// There is a way to the server from another address: it is shown the ticket.
    package mutating func arrive(at now: Instant) {
        guard isAway else { return }
        isAway = false
        _ = move(at: now)
    }

    /// The server does not know this address: it is shown the ticket, if there is one.
    ///
    /// RFC 8016 §3.2.1 has it shown only where the address has changed, which a client behind a NAT learns by this error alone.
    ///
    /// - Parameter request: What the server refused for that reason, to be asked again behind it.
    mutating func move(at now: Instant, repeating request: TURNRequest? = nil) -> Bool {
        guard let allocation = lifecycle.allocation, allocation.ticket != nil else { return false }
        if var request {
            request.moves += 1
            guard request.moves <= Self.movesPerRequest else { return false }
            waiting.append(request)
        }
        guard !isMoving else { return true }
        isReachedThere = false
        // A nonce is good for one source address only.
        authenticator.forgetChallenge()
        start(TURNRequest(.move), at: now)
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

    /// A server may not sign that it knows no allocation at this address (coturn does not where it gives tickets). The ticket may be shown
    /// all the same: where there is an allocation, nothing is lost by it.
    mutating func receive(unsigned error: STUNMessage.ErrorCode?, to index: Int, at now: Instant) {
        guard error?.code == 437, isMobile, !isMoving, case .refresh(1..., _) = outstanding[index].request.purpose else {
            return
        }
        outstanding.remove(at: index)
        _ = move(at: now)
    }

    mutating func moveFailed(_ error: STUNMessage.ErrorCode, at now: Instant) {
        tell(.error(.refresh, error))
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
