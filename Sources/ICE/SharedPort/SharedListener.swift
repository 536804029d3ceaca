import ICECore
import NetBase
import STUN

/// A TCP port of a shared port: who connects asks, in the first check, for a client by its username fragment, and is that client's from
/// then on (RFC 6544 §7.2).
///
/// As over UDP, the check is not verified here. Whoever has not been let in yet counts for little: see ``TCPLimits``.
final class SharedListener {
    private let door: TCPCandidateSocket
    private weak var port: SharedPort?

    init(at address: TransportAddress, of port: SharedPort, on platform: any Platform) throws(NetworkError) {
        let listener =
            port.configuration.isCommonToLoops
            ? try platform.listenForCommonStreams(on: address)
            : try platform.listenForStreams(on: address, sharesPort: false)
        door = TCPCandidateSocket(on: platform, acceptingFrom: listener)
        self.port = port
        let accept = listener.onConnection
        listener.onConnection = { [weak port] stream in
            port?.counted.connections += 1
            accept?(stream)
        }
        door.receiveBatches { [weak self] batch, source in
            for index in 0..<batch.count { self?.receive(batch[index], from: source) }
        }
    }

    var localAddress: TransportAddress { door.localAddress }

    /// How many connections have asked for nobody yet.
    var waitingCount: Int { door.connections.count }

    func close() { door.close() }

    private func receive(_ bytes: Span<UInt8>, from source: TransportAddress) {
        guard let client = client(askedForIn: bytes, from: source) else { return door.disconnect(source) }
        door.handOver(source, to: client)
        client.deliver(bytes, from: source)
    }

    /// Nil where there is none, and the application makes none.
    private func client(askedForIn bytes: Span<UInt8>, from source: TransportAddress) -> TCPCandidateSocket? {
        guard let port, STUNEnvelope(of: bytes)?.messageClass == .request,
            let name = STUNEnvelope.usernameFragment(in: bytes)
        else {
            port?.counted.foreignDatagrams += 1
            return nil
        }
        if port.member(named: name) == nil, !port.introduce(name, bytes, from: source, to: localAddress) { return nil }
        guard let client = port.member(named: name)?.connections(of: self) else {
            port.counted.unwantedConnections += 1
            return nil
        }
        return client
    }
}
