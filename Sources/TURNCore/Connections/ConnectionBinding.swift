package import NetBase
import STUN

/// The client's end of a new connection to the server, until it carries a peer's bytes (RFC 6062 §4.3, §4.4).
///
/// Whoever drives it sends what ``start(at:)`` gives as soon as the connection is up, hands in what comes with
/// ``receive(_:from:at:)`` until that says ``Step/bound``, and calls ``advance(to:)`` at the ``deadline``.
///
///     opening ──start──▶ asking ──success──▶ bound: all bytes are the peer's
///        │                │  ▲ └──┐ 401, 438: once more, signed anew
///        │                │  └────┘
///        └── 30 seconds ──┴── error, nonsense ──▶ failed
package struct ConnectionBinding: ~Copyable {
    /// What comes of bytes.
    package enum Step: Hashable, Sendable {
        /// Send this request.
        case send([UInt8])
        /// The server carries the peer's bytes from here on, those behind the offset included.
        case bound
        /// The connection is of no use.
        case failed(RequestFailure)
    }

    private enum State {
        case opening
        case asking(STUNTransaction, key: IntegrityKey?, retries: Int)
        case bound
        case failed
    }

    private let connection: PeerConnection
    private let options: AllocationOptions
    private var authenticator: TURNAuthenticator
    private var generator: any RandomNumberGenerator
    private var decoder = STUNStreamDecoder()
    private var state = State.opening

    /// "Authentication of the client by the server MUST use the same method and credentials as for the control connection" (RFC 6062
    /// §4.3): what the authenticator has learned there saves a round trip, unless nonces are good for one connection only.
    init(
        _ connection: PeerConnection, authenticator: TURNAuthenticator, _ options: AllocationOptions,
        generator: any RandomNumberGenerator
    ) {
        self.connection = connection
        self.authenticator = authenticator
        self.options = options
        self.generator = generator
    }

    /// When ``advance(to:)`` has something to do; nil once it is bound or has failed.
    package var deadline: Instant? {
        switch state {
        case .opening: connection.expiry
        case .asking(let transaction, _, _): min(transaction.deadline ?? connection.expiry, connection.expiry)
        case .bound, .failed: nil
        }
    }

    /// The allocation may have another access token by now: called ahead of ``start(at:)`` and of what comes in.
    mutating func follow(_ allocation: TURNAuthenticator) { authenticator.follow(allocation) }

    /// The request to send on the connection, which is up.
    package mutating func start(at now: Instant) -> [UInt8] { ask(retries: 0, at: now) }

    /// Gives up what takes too long.
    package mutating func advance(to now: Instant) -> RequestFailure? {
        guard let deadline, deadline <= now else { return nil }
        state = .failed
        return .unanswered(.timeout)
    }

    /// Looks at what came on the connection, from an offset on; nil where the rest of it is still to come.
    package mutating func receive(_ bytes: Span<UInt8>, from offset: inout Int, at now: Instant) -> Step? {
        do throws(STUNError) {
            while let message = try decoder.next(in: bytes, from: &offset) {
                if let step = receive(message, at: now) { return step }
            }
            return nil
        } catch {
            return fail(.notSTUN)
        }
    }

    private mutating func receive(_ response: STUNMessage, at now: Instant) -> Step? {
        guard case .asking(var transaction, let key, let retries) = state,
            let outcome = transaction.receive(response, at: now)
        else { return nil }
        switch outcome {
        case .success:
            state = .bound
            return .bound
        case .failed(let failure):
            return fail(.unanswered(failure))
        case .error(let error):
            if error.code == 401 || error.code == 438,
                authenticator.mayRetry(transaction.request, signedWith: key, behind: response, retries: retries)
            {
                return .send(ask(retries: retries + 1, at: now))
            }
            return fail(.refused(code: error.code, reason: error.reason))
        }
    }

    private mutating func ask(retries: Int, at now: Instant) -> [UInt8] {
        var request = STUNMessage(.request, .connectionBind, transactionID: STUNTransactionID(using: &generator))
        request.append(STUNMessage.ConnectionID(connection.id))
        authenticator.sign(&request)
        if options.usesFingerprint { request.appendFingerprint() }
        let key = authenticator.key(for: .connectionBind)
        let transaction = STUNTransaction(
            request: request, key: key, schedule: options.retransmission, isReliable: true, knownAttributes: .turn,
            at: now)
        state = .asking(transaction, key: key, retries: retries)
        return request.bytes
    }

    private mutating func fail(_ failure: RequestFailure) -> Step {
        state = .failed
        return .failed(failure)
    }
}
