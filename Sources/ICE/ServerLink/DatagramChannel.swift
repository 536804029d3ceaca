import NetBase

/// Datagrams between a UDP socket and one address of a server.
///
/// The socket is the channel's own, or somebody else's who shares it: then the owner hands in what comes from the server.
final class DatagramChannel: ServerChannel {
    let server: TransportAddress
    let deadline: Instant? = nil
    let unsentByteCount = 0
    var onOpen: (() -> Void)?
    var onBytes: ((Span<UInt8>) -> Void)?
    var onFailure: ((LinkError) -> Void)?
    var onUnreachable: ((NetworkError) -> Void)?
    var onWritable: (() -> Void)?
    var onDeadlineChange: (() -> Void)?

    /// A datagram came from somebody else.
    var onStray: (([UInt8]) -> Void)?

    private let socket: any DatagramSocket
    private let isShared: Bool
    private var isClosed = false

    /// A channel on a socket of its own.
    init(on platform: any Platform, to server: TransportAddress, from local: TransportAddress?) throws(NetworkError) {
        let local = local ?? TransportAddress(.any(server.family), port: 0)
        try Self.requireSameFamily(local, server)
        self.server = server.unmapped
        isShared = false
        do throws(NetworkError) {
            socket = try platform.bindDatagramSocket(to: local)
        } catch {
            // Without our address: what is told of a server must not tell it where only relays are used.
            throw NetworkError(error.code, name: error.name, operation: "open a socket for \(server)")
        }
        socket.onDatagram = { [weak self] bytes, source in self?.receive(bytes, from: source) }
        socket.onWritable = { [weak self] in self?.onWritable?() }
        socket.onUnreachable = { [weak self] destination, error in
            guard let self, destination.unmapped == self.server else { return }
            onUnreachable?(error)
        }
    }

    /// A channel on a socket whose closures are the owner's.
    init(sharing socket: any DatagramSocket, to server: TransportAddress) throws(NetworkError) {
        try Self.requireSameFamily(socket.localAddress, server)
        self.server = server.unmapped
        self.socket = socket
        isShared = true
    }

    deinit { close() }

    var localAddress: TransportAddress? { socket.localAddress }

    func open() { onOpen?() }

    func advance(to now: Instant) {}

    func send(_ bytes: [UInt8]) throws(NetworkError) {
        guard !isClosed else { throw .notConnected("send to \(server)") }
        try socket.send(bytes.span, to: server)
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        if isShared { socket.release(server, as: .relayServer) } else { socket.close() }
        (onOpen, onBytes, onFailure, onUnreachable, onWritable, onDeadlineChange, onStray) = (
            nil, nil, nil, nil, nil, nil, nil
        )
    }

    private func receive(_ bytes: Span<UInt8>, from source: TransportAddress) {
        if source.unmapped == server {
            onBytes?(bytes)
        } else {
            onStray?([UInt8](copying: bytes))
        }
    }

    private static func requireSameFamily(_ local: TransportAddress, _ server: TransportAddress) throws(NetworkError) {
        guard local.family != server.family else { return }
        throw NetworkError(.invalidArgument, name: "EAFNOSUPPORT", operation: "send to \(server) from another family")
    }
}
