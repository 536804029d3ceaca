import NetBase

/// The connections of peers that the server has told of, and that nobody has accepted or refused (RFC 6062 §4.4).
///
/// Peers make them grow: there are ``capacity`` at most, and each is forgotten when the server closes it.
struct ConnectionAttempts {
    /// The most that wait at once; the server closes those beyond after 30 seconds, as all that are not bound.
    static let capacity = 64

    private var pending: [PeerConnection] = []

    /// When the first of them is to be forgotten.
    var deadline: Instant? { pending.first?.expiry }

    /// Takes a connection in; false where there are too many, or one of that number.
    mutating func insert(_ connection: PeerConnection) -> Bool {
        guard pending.count < Self.capacity, !pending.contains(where: { $0.id == connection.id }) else { return false }
        pending.append(connection)
        return true
    }

    /// Takes a connection out; nil where it is not there any more.
    mutating func take(_ id: UInt32) -> PeerConnection? {
        pending.firstIndex { $0.id == id }.map { pending.remove(at: $0) }
    }

    /// Forgets those that the server has closed.
    mutating func advance(to now: Instant) { pending.removeAll { $0.expiry <= now } }
}
