import DequeModule
import NetBase

/// The peers that the server is to be asked to connect to, and those that it could not reach just now (RFC 6062 §4.3).
///
/// The server may take half a minute for each, so that these requests stand apart from those that must not wait.
struct ConnectQueue {
    /// So many may be on their way at once: RFC 8489 §6.2 allows ten of all kinds, and refreshes must get through.
    static let outstandingLimit = 8

    /// "The client MAY retry with the same XOR-PEER-ADDRESS attribute, but MUST wait at least 10 seconds" (RFC 6062 §4.3).
    static let pause = Duration.seconds(10)

    /// The most peers that may wait.
    static let capacity = 1024

    private var waiting: Deque<TransportAddress> = []
    private var pauses: [TransportAddress: Instant] = [:]

    var isFull: Bool { waiting.count >= Self.capacity }

    func contains(_ peer: TransportAddress) -> Bool { waiting.contains(peer) }

    /// How long a peer that could not be reached must be left alone; nil where it need not be.
    func remainingPause(of peer: TransportAddress, at now: Instant) -> Duration? {
        pauses[peer].flatMap { now < $0 ? $0 - now : nil }
    }

    mutating func append(_ peer: TransportAddress) { waiting.append(peer) }

    mutating func next() -> TransportAddress? { waiting.popFirst() }

    /// The server could not reach a peer.
    mutating func leaveAlone(_ peer: TransportAddress, at now: Instant) {
        pauses = pauses.filter { now < $0.value }
        pauses[peer] = now + Self.pause
    }
}
