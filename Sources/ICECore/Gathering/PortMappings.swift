import NetBase

/// What is known of the mappings that were asked for, and whether they are waited for.
struct PortMappings {
    /// The sockets whose mappings were asked for, in that order, with the address that each has; nil where there is none.
    private var known: [(socket: SocketID, address: TransportAddress?)] = []
    private var unanswered: Set<SocketID> = []
    private var isTimeUp = false
    private var isReported = false

    /// Whether an answer is waited for. What comes later is taken all the same, as long as candidates may be told.
    var isPending: Bool { !isTimeUp && !unanswered.isEmpty }

    /// Asks for a socket's mapping; false if that was done before.
    mutating func ask(for socket: SocketID) -> Bool {
        guard !known.contains(where: { $0.socket == socket }) else { return false }
        known.append((socket, nil))
        unanswered.insert(socket)
        isTimeUp = false
        return true
    }

    func address(of socket: SocketID) -> TransportAddress? {
        known.first { $0.socket == socket }?.address
    }

    /// Takes an answer; nil says that there is no mapping, or none any more.
    ///
    /// - Returns: The address before.
    mutating func update(_ socket: SocketID, to address: TransportAddress?) -> TransportAddress? {
        guard let index = known.firstIndex(where: { $0.socket == socket }) else { return nil }
        unanswered.remove(socket)
        defer { known[index].address = address }
        return known[index].address
    }

    /// Whether a failure is to be told: once in a generation, as of a server.
    mutating func mayReport() -> Bool {
        defer { isReported = true }
        return !isReported
    }

    /// Waits no longer.
    mutating func giveUp() { isTimeUp = true }

    /// A new generation waits anew for what has not been answered.
    mutating func beginGeneration() {
        isTimeUp = false
        isReported = false
    }

    /// The sockets are gone.
    mutating func forget(_ sockets: Set<SocketID>) {
        known.removeAll { sockets.contains($0.socket) }
        unanswered.subtract(sockets)
    }
}
