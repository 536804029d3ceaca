import NetBase
import UV

/// A libuv loop as the platform that clients run on.
final class UVPlatform: Platform {
    private let loop: EventLoop

    init(_ loop: EventLoop) { self.loop = loop }

    var now: Instant { loop.now }

    func enqueue(_ work: @escaping () -> Void) { loop.enqueue(work) }

    func makeAlarm(_ onFire: @escaping () -> Void) -> any Alarm {
        loop.makeAlarm(onFire)
    }

    func bindDatagramSocket(to address: TransportAddress) throws(NetworkError) -> any DatagramSocket {
        try UDPSocket(on: loop, boundTo: address)
    }

    func bindCommonDatagramSocket(to address: TransportAddress) throws(NetworkError) -> any DatagramSocket {
        try UDPSocket(on: loop, boundTo: address, options: .reusePort)
    }

    func bindMulticastSocket(to group: TransportAddress) throws(NetworkError) -> any MulticastSocket {
        try GroupSocket(on: loop, group: group)
    }

    // A platform is made for each client; what they share is the loop.
    var sharedResponder: AnyObject? {
        get { loop.sharedResponder }
        set { loop.sharedResponder = newValue }
    }

    func connectStream(
        to address: TransportAddress, from local: TransportAddress?, sharesPort: Bool
    ) throws(NetworkError) -> any ByteStream {
        try TCPStream(on: loop, connectingTo: address, from: local, sharesPort: sharesPort)
    }

    func listenForStreams(
        on address: TransportAddress, sharesPort: Bool
    ) throws(NetworkError) -> any StreamListener {
        AcceptingListener(try TCPListener(on: loop, boundTo: address, sharesPort: sharesPort))
    }

    func listenForCommonStreams(on address: TransportAddress) throws(NetworkError) -> any StreamListener {
        AcceptingListener(try TCPListener(on: loop, boundTo: address, isCommon: true))
    }

    func resolve(
        _ host: String, onResult: @escaping (Result<[IPAddress], NetworkError>) -> Void
    ) throws(NetworkError) -> any Cancellable {
        loop.resolve(host, onResult: onResult)
    }

    func interfaceAddresses() throws(NetworkError) -> [InterfaceAddress] {
        try loop.interfaceAddresses()
    }

    func sourceAddress(towards destination: IPAddress) throws(NetworkError) -> IPAddress {
        try NetworkInterfaces.sourceAddress(towards: destination)
    }

    func watchInterfaces(_ onChange: @escaping () -> Void) throws(NetworkError) -> any Cancellable {
        try NetworkMonitor(on: loop) { [weak loop] _ in
            loop?.forgetInterfaceAddresses()
            onChange()
        }
    }

    func makeRandomNumberGenerator() -> any RandomNumberGenerator { loop.randomNumbers }

    var pacingGovernor: any PacingGovernor { ProcessPacingGovernor.shared }
}

extension LoopAlarm: Alarm {}

extension UDPSocket: DatagramSocket {
    package func receiveBatches(_ body: @escaping (DatagramBatch, TransportAddress) -> Void) { onDatagrams = body }
}
extension TCPStream: ByteStream {}

/// A listener of the loop for those who do not know what kind of streams it accepts.
private final class AcceptingListener: StreamListener {
    private let listener: TCPListener

    init(_ listener: TCPListener) { self.listener = listener }

    var localAddress: TransportAddress { listener.localAddress }

    var onConnection: ((any ByteStream) -> Void)? {
        didSet {
            guard let onConnection else { return listener.onConnection = nil }
            listener.onConnection = { onConnection($0) }
        }
    }

    func close() {
        listener.close()
        onConnection = nil
    }
}

extension NameLookup: Cancellable {}

extension NetworkMonitor: Cancellable {
    package func cancel() { close() }
}
