import ICECore
import NetBase

/// Connections of a relayed address: an active candidate's, which the server is asked to make (Connect), or a passive one's, of which it tells
/// (ConnectionAttempt); either is then bound to one of this client's to the server (RFC 6062 §4.3, §4.4).
///
/// The server connects from the relayed address itself, so that an active and a passive candidate are had from one allocation.
final class RelayedConnections: ConnectionSource {
    let localAddress: TransportAddress
    let isListening = false
    var onConnection: ((any ByteStream, _ isUp: Bool) -> Void)?

    private let relayed: TransportAddress
    private let takesPeers: Bool
    private weak var client: TURNClient?

    /// Those of one of the addresses of a client's allocation.
    init(of client: TURNClient, at relayed: TransportAddress, _ type: Candidate.TCPType) {
        self.client = client
        self.relayed = relayed
        takesPeers = type == .passive
        localAddress = takesPeers ? relayed : TransportAddress(relayed.ip, port: Candidate.TCPType.activePort)
    }

    func connect(to destination: TransportAddress) throws(NetworkError) -> (any ByteStream)? {
        guard let client else { throw .notConnected("connect to \(destination) by relay") }
        return RelayedStream(client.connect(to: destination), at: relayed)
    }

    /// Whether a peer that has connected to the allocation is for this candidate.
    func takes(_ attempt: TURNConnectionAttempt) -> Bool {
        takesPeers && onConnection != nil && attempt.peer.family == relayed.family
    }

    /// Takes a peer's connection, which counts from now on, not only once it is bound.
    func take(_ attempt: TURNConnectionAttempt) {
        guard let onConnection, let connection = attempt.accept() else { return }
        onConnection(RelayedStream(connection, at: relayed), false)
    }

    func close() { onConnection = nil }
}
