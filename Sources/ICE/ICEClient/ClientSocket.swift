import ICECore
import NetBase

/// A socket of a client, and whose datagrams on it are the application's.
struct ClientSocket {
    let id: SocketID
    let socket: any DatagramSocket
    let path: StreamComponent
    /// What came from and went to each address that was admitted, in the order of their admission.
    private var traffic: [PairTraffic] = []
    private var indices: [TransportAddress: Int] = [:]
    /// Most datagrams come from where the one before came from.
    private var lastAdmitted: (address: TransportAddress, index: Int)?

    init(id: SocketID, socket: any DatagramSocket, path: StreamComponent) {
        self.id = id
        self.socket = socket
        self.path = path
    }

    /// An authenticated check has validated the address (RFC 8445 §12.2).
    mutating func admit(_ address: TransportAddress) {
        guard indices[address] == nil else { return }
        indices[address] = traffic.count
        traffic.append(PairTraffic())
    }

    /// What comes from the address is no more the application's.
    ///
    /// - Returns: What came from it and went there; nil if it was not admitted.
    mutating func expel(_ address: TransportAddress) -> PairTraffic? {
        guard let index = indices.removeValue(forKey: address) else { return nil }
        lastAdmitted = nil
        // The last one takes the place that is free now.
        let gone = traffic[index]
        let last = traffic.removeLast()
        if index < traffic.count {
            traffic[index] = last
            if let moved = indices.first(where: { $0.value == traffic.count })?.key { indices[moved] = index }
        }
        return gone
    }

    /// Counts a datagram from an admitted address; false for any other address.
    mutating func accept(_ byteCount: Int, from address: TransportAddress, at now: Instant) -> Bool {
        if let last = lastAdmitted, last.address == address {
            traffic[last.index].received(byteCount, at: now)
            return true
        }
        guard let index = indices[address] else { return false }
        lastAdmitted = (address, index)
        traffic[index].received(byteCount, at: now)
        return true
    }

    /// What came from an address and went there.
    func traffic(with address: TransportAddress) -> PairTraffic? {
        indices[address].map { traffic[$0] }
    }

    /// The same addresses belong to other pairs from now on, but for those that are in use.
    mutating func resetTraffic(except isKept: (TransportAddress) -> Bool) {
        for (address, index) in indices where !isKept(address) { traffic[index] = PairTraffic() }
    }

    /// Adds what a path has sent since it was chosen; false if its address is not admitted any more.
    mutating func add(_ sent: PairTraffic, to address: TransportAddress) -> Bool {
        guard let index = indices[address] else { return false }
        traffic[index].add(sent: sent)
        return true
    }
}

/// The way a component's data goes: straight to the selected pair's socket.
struct DataPath {
    let path: StreamComponent
    let id: SocketID
    let socket: any DatagramSocket
    let destination: TransportAddress
    var lastSentAt: Instant?
    var lastReceivedAt: Instant?
    /// When the first datagram went out that nothing has come back for.
    var unansweredSince: Instant?
    /// Whether the agent waits already for something to come back.
    var expectsReply = false
    /// Whether a datagram was refused for want of room.
    var isBlocked = false
    /// What it has sent since it was chosen.
    var sent = PairTraffic()
}
