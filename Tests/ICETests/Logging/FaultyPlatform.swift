import ICETesting
import NetBase

/// A simulated host on which some things fail, as they do where a sandbox or a missing permission is in the way.
final class FaultyPlatform: Platform {
    private let host: SimulatedHost
    private let faults: Set<Fault>

    enum Fault {
        case listing, watching, binding, marking
    }

    init(_ host: SimulatedHost, _ faults: Set<Fault>) {
        self.host = host
        self.faults = faults
    }

    private func fail(_ fault: Fault, _ operation: String) throws(NetworkError) {
        if faults.contains(fault) { throw NetworkError(.notPermitted, name: "EPERM", operation: operation) }
    }

    func interfaceAddresses() throws(NetworkError) -> [InterfaceAddress] {
        try fail(.listing, "list interfaces")
        return host.interfaceAddresses()
    }

    func watchInterfaces(_ onChange: @escaping () -> Void) throws(NetworkError) -> any Cancellable {
        try fail(.watching, "open netlink")
        return host.watchInterfaces(onChange)
    }

    func bindDatagramSocket(to address: TransportAddress) throws(NetworkError) -> any DatagramSocket {
        try fail(.binding, "bind \(address)")
        let socket = try host.bindDatagramSocket(to: address)
        return faults.contains(.marking) ? UnmarkableSocket(socket) : socket
    }

    // MARK: As the host has it

    var now: Instant { host.now }
    var pacingGovernor: any PacingGovernor { host.pacingGovernor }
    var sharedResponder: AnyObject? {
        get { host.sharedResponder }
        set { host.sharedResponder = newValue }
    }

    func enqueue(_ work: @escaping () -> Void) { host.enqueue(work) }
    func makeAlarm(_ onFire: @escaping () -> Void) -> any Alarm { host.makeAlarm(onFire) }
    func makeRandomNumberGenerator() -> any RandomNumberGenerator { host.makeRandomNumberGenerator() }

    func bindMulticastSocket(to group: TransportAddress) throws(NetworkError) -> any MulticastSocket {
        host.bindMulticastSocket(to: group)
    }

    func connectStream(
        to address: TransportAddress, from local: TransportAddress?, sharesPort: Bool
    ) throws(NetworkError) -> any ByteStream {
        try host.connectStream(to: address, from: local, sharesPort: sharesPort)
    }

    func listenForStreams(
        on address: TransportAddress, sharesPort: Bool
    ) throws(NetworkError) -> any StreamListener {
        try host.listenForStreams(on: address, sharesPort: sharesPort)
    }

    func resolve(
        _ name: String, onResult: @escaping (Result<[IPAddress], NetworkError>) -> Void
    ) throws(NetworkError) -> any Cancellable {
        try host.resolve(name, onResult: onResult)
    }

    func sourceAddress(towards destination: IPAddress) throws(NetworkError) -> IPAddress {
        try host.sourceAddress(towards: destination)
    }
}

/// A socket whose DSCP can't be set.
private final class UnmarkableSocket: DatagramSocket {
    private let socket: any DatagramSocket

    init(_ socket: any DatagramSocket) { self.socket = socket }

    func setTypeOfService(_ value: UInt8) throws(NetworkError) {
        throw NetworkError(.notPermitted, name: "EPERM", operation: "type of service of \(localAddress)")
    }

    var localAddress: TransportAddress { socket.localAddress }
    var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)? {
        get { socket.onDatagram }
        set { socket.onDatagram = newValue }
    }
    var onWritable: (() -> Void)?
    var onUnreachable: ((TransportAddress, NetworkError) -> Void)? {
        get { socket.onUnreachable }
        set { socket.onUnreachable = newValue }
    }
    func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError) {
        try socket.send(bytes, to: destination)
    }
    func close() { socket.close() }
}
