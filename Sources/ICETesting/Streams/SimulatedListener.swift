public import NetBase

/// A TCP port of a simulated host on which connections are accepted.
public final class SimulatedListener {
    /// The address it listens on, with the port that was chosen.
    public let localAddress: TransportAddress

    private weak var host: SimulatedHost?
    private var onConnection: ((SimulatedStream) -> Void)?

    init(_ address: TransportAddress, on host: SimulatedHost, _ onConnection: @escaping (SimulatedStream) -> Void) {
        localAddress = address
        self.host = host
        self.onConnection = onConnection
    }

    /// Stops accepting; connections that were accepted stay.
    public func close() {
        host?.listeners[localAddress.port]?.removeAll { $0 === self }
        onConnection = nil
    }

    func accept(_ stream: SimulatedStream) { onConnection?(stream) }
}

/// The two ends of a TCP connection, as its host sees them.
struct StreamKey: Hashable {
    let local: TransportAddress
    let remote: TransportAddress
}

extension SimulatedHost {
    /// Starts to connect a TCP stream; ``SimulatedStream/onConnect`` or ``SimulatedStream/onClose`` tells how that went.
    ///
    /// Throws what ``SimulatedSocket/send(_:to:)-(Span<UInt8>,_)`` throws for addresses, and `.addressInUse` when no port is free.
    public func connect(to remote: TransportAddress) throws(NetworkError) -> SimulatedStream {
        guard remote.port != 0 else { throw NetworkError(simulated: .invalidArgument, "connect \(remote)") }
        let route = try route(from: .any(remote.family), to: remote.ip)
        let port = ephemeralPort { port in
            streams[StreamKey(local: TransportAddress(route.source, port: port), remote: remote)] != nil
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
        case .data, .accept:
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
