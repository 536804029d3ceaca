public import NetBase

/// A TCP port of a simulated host on which connections are accepted.
public final class SimulatedListener {
    /// The address it listens on, with the port that was chosen.
    public let localAddress: TransportAddress

    /// Somebody has connected; a connection that comes while this is nil is closed.
    package var onConnection: ((any ByteStream) -> Void)? {
        didSet { onStream = onConnection.map { body in { body($0) } } }
    }

    /// Whether connections may start from its port.
    let sharesPort: Bool

    private weak var host: SimulatedHost?
    private var onStream: ((SimulatedStream) -> Void)?

    init(
        _ address: TransportAddress, on host: SimulatedHost, sharesPort: Bool,
        _ onStream: ((SimulatedStream) -> Void)?
    ) {
        localAddress = address
        self.host = host
        self.sharesPort = sharesPort
        self.onStream = onStream
    }

    /// Stops accepting; connections that were accepted stay.
    public func close() {
        host?.listeners[localAddress.port]?.removeAll { $0 === self }
        onConnection = nil
        onStream = nil
    }

    func accept(_ stream: SimulatedStream) {
        guard let onStream else { return stream.close() }
        onStream(stream)
    }
}

extension SimulatedListener: StreamListener {}

/// The two ends of a TCP connection, as its host sees them.
struct StreamKey: Hashable {
    let local: TransportAddress
    let remote: TransportAddress
}

extension SimulatedHost {
    /// Starts to connect a TCP stream, from a local address if one is given, which may be a listener's, too (port 0 takes a free port);
    /// ``SimulatedStream/onConnect`` or ``SimulatedStream/onClose`` tells how that went.
    ///
    /// Throws what ``SimulatedSocket/send(_:to:)-(Span<UInt8>,_)`` throws for addresses, and `.addressInUse` when no port is free.
    public func connect(
        to remote: TransportAddress, from local: TransportAddress? = nil
    ) throws(NetworkError) -> SimulatedStream {
        guard remote.port != 0 else { throw NetworkError(simulated: .invalidArgument, "connect \(remote)") }
        let route = try route(from: local?.ip ?? .any(remote.family), to: remote.ip)
        func isTaken(_ port: UInt16) -> Bool {
            streams[StreamKey(local: TransportAddress(route.source, port: port), remote: remote)] != nil
        }
        let port: UInt16?
        if let local, local.port != 0 {
            port = isTaken(local.port) ? nil : local.port
        } else {
            port = ephemeralPort(isTaken: isTaken)
        }
        guard let port else { throw NetworkError(simulated: .addressInUse, "connect \(remote)") }
        let key = StreamKey(local: TransportAddress(route.source, port: port), remote: remote)
        let stream = SimulatedStream(key, isAccepted: false, on: self)
        streams[key] = stream
        stream.open()
        return stream
    }

    /// A piece of a connection came in.
    func accept(_ segment: StreamSegment, in packet: Packet) {
        let key = StreamKey(local: packet.destination, remote: packet.source)
        if let stream = streams[key] {
            record(.delivered, packet)
            return stream.receive(segment)
        }
        switch segment.kind {
        case .open:
            guard let listener = listener(at: packet.destination) else { return reset(packet) }
            record(.delivered, packet)
            let stream = SimulatedStream(key, isAccepted: true, on: self)
            streams[key] = stream
            stream.acceptOpening()
            listener.accept(stream)
        case .data, .accept, .window:
            reset(packet)
        case .finish, .reset:
            record(.noListener, packet)
        }
    }

    private func listener(at address: TransportAddress) -> SimulatedListener? {
        let candidates = listeners[address.port, default: []]
        return candidates.first { $0.localAddress == address }
            ?? candidates.first { $0.localAddress.ip == .any(address.family) }
    }

    private func reset(_ packet: Packet) {
        record(.noListener, packet)
        guard answersClosedPorts else { return }
        let segment = StreamSegment(kind: .reset, number: 0)
        answer(Packet(source: packet.destination, destination: packet.source, content: .segment(segment)))
    }
}

extension SimulatedHost {
    /// The TCP connections that it has an end of, those that are only being made included, in the order of their addresses.
    public var connections: [SimulatedStream] {
        let named = streams.values.map { (name: "\($0.key.local) \($0.key.remote)", stream: $0) }
        return named.sorted { $0.name < $1.name }.map(\.stream)
    }
}
