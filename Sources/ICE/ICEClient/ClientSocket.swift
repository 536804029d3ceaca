import ICECore
import NetBase

/// A socket of a client, and whose datagrams on it are the application's.
final class ClientSocket {
    let id: SocketID
    let socket: any DatagramSocket
    /// The same, where its datagrams go over connections.
    let connections: TCPCandidateSocket?
    let path: StreamComponent
    /// Whose it is: the closures of the socket know no other way to it.
    private let owner: ClientReference
    /// Whether the client still has it.
    private(set) var isOpen = true
    /// Mostly one, and seldom more than a few: they are looked through.
    private var admitted: [AdmittedAddress] = []
    /// Most datagrams come from where the one before came from.
    private var lastHeard: AdmittedAddress?

    init(id: SocketID, socket: any DatagramSocket, path: StreamComponent, of owner: ClientReference) {
        self.owner = owner
        self.id = id
        self.socket = socket
        connections = socket as? TCPCandidateSocket
        self.path = path
    }

    var client: ICEClient? { owner.client }

    func close() {
        isOpen = false
        socket.close()
    }

    /// An authenticated check has validated the address (RFC 8445 §12.2); whether that has identified a connection that was accepted.
    @discardableResult
    func admit(_ address: TransportAddress) -> Bool {
        let wasIdentified = connections?.connections[address]?.isIdentified ?? true
        let isIdentified = connections?.claim(address, as: .checkedPeer) == true && !wasIdentified
        if known(address) == nil { admitted.append(AdmittedAddress(address)) }
        return isIdentified
    }

    /// What comes from the address is no more the application's.
    ///
    /// - Returns: What came from it and went there; nil if it was not admitted.
    func expel(_ address: TransportAddress) -> PairTraffic? {
        lastHeard = nil
        guard let index = admitted.firstIndex(where: { $0.address == address }) else { return nil }
        return admitted.remove(at: index).traffic
    }

    /// Counts datagrams from an admitted address; false for any other address.
    func accept(_ batch: DatagramBatch, from address: TransportAddress, at now: Instant) -> Bool {
        if let lastHeard, lastHeard.address == address {
            lastHeard.traffic.received(batch.count, batch.bytes.count, at: now)
            return true
        }
        guard let known = known(address) else { return false }
        lastHeard = known
        known.traffic.received(batch.count, batch.bytes.count, at: now)
        return true
    }

    private func known(_ address: TransportAddress) -> AdmittedAddress? { admitted.first { $0.address == address } }

    /// What came from an address and went there.
    func traffic(with address: TransportAddress) -> PairTraffic? {
        known(address)?.traffic
    }

    /// The same addresses belong to other pairs from now on, but for those that are in use.
    func resetTraffic(except isKept: (TransportAddress) -> Bool) {
        for known in admitted where !isKept(known.address) { known.traffic = PairTraffic() }
    }

    /// Adds what a path has sent since it was chosen; false if its address is not admitted any more.
    func add(_ sent: PairTraffic, to address: TransportAddress) -> Bool {
        guard let known = known(address) else { return false }
        known.traffic.add(sent: sent)
        return true
    }
}

/// An address that an authenticated check has validated, and what came from it and went there.
private final class AdmittedAddress {
    let address: TransportAddress
    var traffic = PairTraffic()

    init(_ address: TransportAddress) { self.address = address }
}
