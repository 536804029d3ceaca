import NetBase

/// The connections of a socket, by their remote addresses and in the order in which they came.
///
/// They are few enough (``TCPLimits``) to be looked through where one comes or goes.
struct TCPConnectionTable {
    private var byRemote: [TransportAddress: TCPConnection] = [:]
    private var inOrder: [TCPConnection] = []

    var count: Int { inOrder.count }

    /// Those that were identified, or that this end has opened.
    var identifiedCount: Int { inOrder.count { $0.isIdentified } }

    /// When the first of those that wait for something has to have got it.
    var deadline: Instant? { inOrder.lazy.compactMap(\.deadline).min() }

    /// Where they go, in the order in which they came.
    var remotes: [TransportAddress] { inOrder.map(\.remote) }

    subscript(remote: TransportAddress) -> TCPConnection? { byRemote[remote] }

    /// Whether it is one of these still.
    func contains(_ connection: TCPConnection) -> Bool { byRemote[connection.remote] === connection }

    /// Takes one in; there is none to its remote address yet.
    mutating func insert(_ connection: TCPConnection) {
        byRemote[connection.remote] = connection
        inOrder.append(connection)
    }

    mutating func remove(_ connection: TCPConnection) {
        guard contains(connection) else { return }
        byRemote[connection.remote] = nil
        inOrder.removeAll { $0 === connection }
    }

    /// Empties the table.
    mutating func removeAll() -> [TCPConnection] {
        defer { self = TCPConnectionTable() }
        return inOrder
    }

    /// The accepted ones that have yet to be identified, oldest first.
    var unidentified: [TCPConnection] { inOrder.filter { !$0.isIdentified } }

    /// Those that did not get in time what they wait for, oldest first.
    func overdue(at now: Instant) -> [TCPConnection] {
        inOrder.filter { connection in connection.deadline.map { $0 <= now } ?? false }
    }
}
