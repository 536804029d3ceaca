import ICECore
import NetBase

/// A socket of a client, and whose datagrams on it are the application's.
struct ClientSocket {
    let id: SocketID
    let socket: any DatagramSocket
    let path: StreamComponent
    private var admitted: Set<TransportAddress> = []
    /// Most datagrams come from where the one before came from.
    private var lastAdmitted: TransportAddress?

    init(id: SocketID, socket: any DatagramSocket, path: StreamComponent) {
        self.id = id
        self.socket = socket
        self.path = path
    }

    /// An authenticated check has validated the address (RFC 8445 §12.2).
    mutating func admit(_ address: TransportAddress) { admitted.insert(address) }

    mutating func admits(_ address: TransportAddress) -> Bool {
        if address == lastAdmitted { return true }
        guard admitted.contains(address) else { return false }
        lastAdmitted = address
        return true
    }
}

/// The way a component's data goes: straight to the selected pair's socket.
struct DataPath {
    let path: StreamComponent
    let socket: any DatagramSocket
    let destination: TransportAddress
    var lastSentAt: Instant?
    var lastReceivedAt: Instant?
    /// Whether the agent waits already for something to come back.
    var expectsReply = false
}
