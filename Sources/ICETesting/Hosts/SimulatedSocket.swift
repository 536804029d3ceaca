public import NetBase

/// A bound UDP socket of a simulated host.
public final class SimulatedSocket {
    /// The address it is bound to, with the port that was chosen.
    public let localAddress: TransportAddress

    /// A datagram arrived; the bytes are borrowed for the call.
    public var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)?

    /// An ICMP error came back for something that was sent to a destination.
    public var onUnreachable: ((TransportAddress, NetworkError) -> Void)?

    /// There is room again: the interface's ``SimulatedInterface/sendFault`` is no `.wouldBlock` any more.
    public var onWritable: (() -> Void)?

    /// The byte with DSCP and ECN that was asked for; the simulated network makes no difference of it.
    public private(set) var typeOfService: UInt8 = 0

    private weak var host: SimulatedHost?

    /// What one UDP datagram over IPv4 can carry: 65,535 less the headers.
    private static let largestPayload = 65_507

    init(_ address: TransportAddress, on host: SimulatedHost) {
        localAddress = address
        self.host = host
    }

    /// Sends one datagram; it arrives on a later turn at the earliest.
    ///
    /// Throws `.closed`, `.messageTooLarge` above 65,507 bytes, `.networkUnreachable`, `.addressNotAvailable` if the host has lost the
    /// address, `.invalidArgument`, or the interface's ``SimulatedInterface/sendFault``.
    public func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError) {
        guard let host else { throw NetworkError(simulated: .closed, "send > \(destination)") }
        guard bytes.count <= Self.largestPayload else {
            throw NetworkError(simulated: .messageTooLarge, "send > \(destination)")
        }
        guard destination.port != 0 else { throw NetworkError(simulated: .invalidArgument, "send > \(destination)") }
        let route = try host.route(from: localAddress.ip, to: destination.ip)
        let source = TransportAddress(route.source, port: localAddress.port)
        let packet = Packet(source: source, destination: destination, content: .datagram([UInt8](copying: bytes)))
        host.intercept(packet, through: route.interface)
    }

    /// Sends one datagram, as the method that borrows its bytes does.
    public func send(_ bytes: [UInt8], to destination: TransportAddress) throws(NetworkError) {
        try send(bytes.span, to: destination)
    }

    /// Sets the byte with DSCP and ECN of what is sent.
    public func setTypeOfService(_ value: UInt8) { typeOfService = value }

    /// Closes the socket and drops its closures.
    public func close() {
        if let host { host.datagramPorts[localAddress.port]?.removeAll { $0 === self } }
        abandon()
    }

    func abandon() {
        host = nil
        onDatagram = nil
        onUnreachable = nil
        onWritable = nil
    }

    func receive(_ bytes: [UInt8], from source: TransportAddress) {
        onDatagram?(bytes.span, source)
    }

    func receive(_ report: UnreachableReport) {
        onUnreachable?(report.destination, NetworkError(simulated: report.code, "send > \(report.destination)"))
    }
}

extension SimulatedSocket: DatagramSocket {}

extension SimulatedHost {
    /// Asks the network's interceptor about a datagram and does what it says.
    func intercept(_ packet: Packet, through interface: SimulatedInterface?) {
        guard let interceptor = fabric.interceptor else { return emit(packet, through: interface) }
        let seen = SimulatedPacket(
            sender: name, source: packet.source, destination: packet.destination, bytes: packet.payload)
        var packet = packet
        switch interceptor(seen) {
        case .pass:
            emit(packet, through: interface)
        case .drop:
            record(.sent, packet)
            record(.intercepted, packet)
        case .replace(let bytes):
            packet.content = .datagram(bytes)
            emit(packet, through: interface)
        case .delay(let pause):
            fabric.scheduler.schedule(at: fabric.now + pause) { [weak self] in
                self?.emit(packet, through: interface)
            }
        }
    }
}
