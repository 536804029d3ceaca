import NetBase
import STUN

// An allocation that outlives the client's address (RFC 8016).
extension AllocationClient {
    /// Whether the server is being told of another address: "it is RECOMMENDED that the client avoid transmitting a Send indication or
    /// ChannelData message until it has received an acknowledgement" (RFC 8016 §3.2.2).
    package var isMoving: Bool { outstanding.contains { $0.request.purpose == .move } }

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
        // A nonce is good for one source address only.
        authenticator.forgetChallenge()
        start(TURNRequest(.move), at: now)
        return true
    }

    /// A server that takes the ticket and refuses what follows is not asked for ever.
    private static let movesPerRequest = 2

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
