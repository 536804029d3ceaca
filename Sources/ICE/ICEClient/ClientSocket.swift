import ICECore
import NetBase

/// A socket of a client, and whose datagrams on it are the application's.
final class ClientSocket {
    let id: SocketID
    let socket: any DatagramSocket
    /// The same, where its datagrams go over connections.
    let connections: TCPCandidateSocket?
    let path: StreamComponent
    /// Whose it is: the closures of the socket know no other way to it, so that none of them has a reference of its own.
    private(set) weak var client: ICEClient?
    /// Whether the client still has it.
    private(set) var isOpen = true
    /// What came from and went to each address that was admitted, in the order of their admission.
    private var traffic: [PairTraffic] = []
    private var indices: [TransportAddress: Int] = [:]
    /// Most datagrams come from where the one before came from.
    private var lastAdmitted: (address: TransportAddress, index: Int)?

    init(id: SocketID, socket: any DatagramSocket, path: StreamComponent, of client: ICEClient?) {
        self.client = client
        self.id = id
        self.socket = socket
        connections = socket as? TCPCandidateSocket
        self.path = path
    }

    func close() {
        isOpen = false
        socket.close()
    }

    /// An authenticated check has validated the address (RFC 8445 §12.2); whether that has identified a connection that was accepted.
    @discardableResult
    func admit(_ address: TransportAddress) -> Bool {
        let wasIdentified = connections?.connections[address]?.isIdentified ?? true
        let isIdentified = connections?.claim(address, as: .checkedPeer) == true && !wasIdentified
        guard indices[address] == nil else { return isIdentified }
        indices[address] = traffic.count
        traffic.append(PairTraffic())
        return isIdentified
    }

    /// What comes from the address is no more the application's.
    ///
    /// - Returns: What came from it and went there; nil if it was not admitted.
    func expel(_ address: TransportAddress) -> PairTraffic? {
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

    /// Counts datagrams from an admitted address; false for any other address.
    func accept(_ batch: DatagramBatch, from address: TransportAddress, at now: Instant) -> Bool {
        if let last = lastAdmitted, last.address == address {
            traffic[last.index].received(batch.count, batch.bytes.count, at: now)
            return true
        }
        guard let index = indices[address] else { return false }
        lastAdmitted = (address, index)
        traffic[index].received(batch.count, batch.bytes.count, at: now)
        return true
    }

    /// What came from an address and went there.
    func traffic(with address: TransportAddress) -> PairTraffic? {
        indices[address].map { traffic[$0] }
    }

    /// The same addresses belong to other pairs from now on, but for those that are in use.
    func resetTraffic(except isKept: (TransportAddress) -> Bool) {
        for (address, index) in indices where !isKept(address) { traffic[index] = PairTraffic() }
    }

    /// Adds what a path has sent since it was chosen; false if its address is not admitted any more.
    func add(_ sent: PairTraffic, to address: TransportAddress) -> Bool {
        guard let index = indices[address] else { return false }
        traffic[index].add(sent: sent)
        return true
    }
}
