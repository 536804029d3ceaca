import ICECore
import NetBase

/// The way a component's data goes: straight to the selected pair's socket.
final class DataPath {
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
    /// Whether its connection is gone, so that data waits until a check has succeeded on another one.
    var isSuspended = false
    /// What waits for the end of the turn, or for room.
    var gathered = GatheredDatagrams()
    /// What it has sent since it was chosen.
    var sent = PairTraffic()

    init(path: StreamComponent, id: SocketID, socket: any DatagramSocket, destination: TransportAddress) {
        self.path = path
        self.id = id
        self.socket = socket
        self.destination = destination
    }

    func send(_ bytes: Span<UInt8>) throws(NetworkError) { try socket.send(bytes, to: destination) }
}
