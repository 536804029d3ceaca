import ICECore
import NetBase

/// A socket of a client, and whose datagrams on it are the application's.
struct ClientSocket {
    let id: SocketID
    let socket: any DatagramSocket
    private var admitted: Set<TransportAddress> = []

    init(id: SocketID, socket: any DatagramSocket) {
        self.id = id
        self.socket = socket
    }

    /// An authenticated check has validated the address (RFC 8445 §12.2).
    mutating func admit(_ address: TransportAddress) { admitted.insert(address) }

    func admits(_ address: TransportAddress) -> Bool { admitted.contains(address) }
}

/// The way a component's data goes: straight to the selected pair's socket.
struct DataPath {
    let path: StreamComponent
    let socket: any DatagramSocket
    let destination: TransportAddress
    var lastSentAt: Instant?
}
