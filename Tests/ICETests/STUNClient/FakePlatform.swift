import NetBase

/// A platform in virtual time whose network is a closure: what is sent goes to it, what it wants delivered it hands back.
final class FakePlatform: Platform {
    /// What the world does with a datagram or a stream's bytes: it answers later, through the socket or stream.
    var onSend: (([UInt8], TransportAddress, FakeSocket) -> Void)?
    var onWrite: (([UInt8], FakeStream) -> Void)?
    /// What a name stands for; nil never answers, a missing name is an error.
    var names: [String: [IPAddress]?] = [:]
    /// The endpoints that streams connect to; others are refused.
    var listeners: Set<TransportAddress> = []
    /// Streams to these addresses neither come about nor are refused.
    var blackHoles: Set<IPAddress> = []
    var bindError: NetworkError?
    /// What the interfaces have.
    var addresses: [InterfaceAddress] = []
    private(set) var sockets: [FakeSocket] = []
    private(set) var streams: [FakeStream] = []
    private(set) var lookUps = 0

    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private var events: [(time: Instant, work: () -> Void)] = []
    /// Whether a turn of the loop is being run, from which alone events may come.
    private(set) var isTurning = false
    let pacingGovernor: any PacingGovernor = FakeGovernor()

    /// The sockets and streams that nobody has closed.
    var openCount: Int { sockets.filter { !$0.isClosed }.count + streams.filter { !$0.isClosed }.count }

    /// Milliseconds since the start.
    var elapsed: Int { Int((now - Instant(nanoseconds: 1_000_000_000)).nanoseconds / 1_000_000) }

    func enqueue(_ work: @escaping () -> Void) { schedule(after: .zero, work) }

    func schedule(after delay: Duration, _ work: @escaping () -> Void) { schedule(at: now + delay, work) }

    func schedule(at time: Instant, _ work: @escaping () -> Void) {
        let index = events.firstIndex { $0.time > time } ?? events.endIndex
        events.insert((time, work), at: index)
    }

    /// Leaps from event to event, until nothing is left or the time has passed.
    func run(for duration: Duration = .seconds(1000)) {
        let end = now + duration
        while let next = events.first, next.time <= end {
            events.removeFirst()
            now = max(now, next.time)
            isTurning = true
            next.work()
            isTurning = false
        }
        now = max(now, events.isEmpty ? now : end)
    }

    func makeAlarm(_ onFire: @escaping () -> Void) -> any Alarm { FakeAlarm(self, onFire) }

    func bindDatagramSocket(to address: TransportAddress) throws(NetworkError) -> any DatagramSocket {
        if let bindError { throw bindError }
        let port = address.port == 0 ? 50_000 + UInt16(sockets.count) : address.port
        let socket = FakeSocket(self, TransportAddress(address.ip, port: port))
        sockets.append(socket)
        return socket
    }

    func bindMulticastSocket(to group: TransportAddress) throws(NetworkError) -> any MulticastSocket {
        throw NetworkError(.other, name: "ENOSYS", operation: "join \(group)")
    }

    weak var sharedResponder: AnyObject?

    func connectStream(
        to address: TransportAddress, from local: TransportAddress?, sharesPort: Bool
    ) throws(NetworkError) -> any ByteStream {
        let stream = FakeStream(self, address)
        streams.append(stream)
        if blackHoles.contains(address.ip) { return stream }
        let isListening = listeners.contains(address)
        schedule(after: .milliseconds(10)) {
            if isListening {
                stream.onConnect?()
            } else {
                stream.onClose?(NetworkError(.connectionRefused, name: "ECONNREFUSED", operation: "connect \(address)"))
            }
        }
        return stream
    }

    func listenForStreams(
        on address: TransportAddress, sharesPort: Bool
    ) throws(NetworkError) -> any StreamListener {
        throw NetworkError(.other, name: "ENOSYS", operation: "listen on \(address)")
    }

    func resolve(
        _ host: String, onResult: @escaping (Result<[IPAddress], NetworkError>) -> Void
    ) throws(NetworkError) -> any Cancellable {
        lookUps += 1
        let lookUp = FakeLookUp()
        let error = NetworkError(.nameNotFound, name: "EAI_NONAME", operation: "resolve \(host)")
        let result: Result<[IPAddress], NetworkError>?
        switch names[host] {
        case .some(.some(let addresses)): result = .success(addresses)
        case .some(.none): result = nil
        case .none: result = .failure(error)
        }
        if let result {
            schedule(after: .milliseconds(5)) { if !lookUp.isCancelled { onResult(result) } }
        }
        return lookUp
    }

    func interfaceAddresses() throws(NetworkError) -> [InterfaceAddress] { addresses }

    func sourceAddress(towards destination: IPAddress) throws(NetworkError) -> IPAddress {
        .loopback(destination.family)
    }

    func watchInterfaces(_ onChange: @escaping () -> Void) throws(NetworkError) -> any Cancellable {
        throw NetworkError(.other, name: "ENOSYS", operation: "watch interfaces")
    }

    func makeRandomNumberGenerator() -> any RandomNumberGenerator { SystemRandomNumberGenerator() }
}

final class FakeGovernor: PacingGovernor {
    func claim(at now: Instant, spacing: Duration) -> Instant? { nil }
}

final class FakeLookUp: Cancellable {
    private(set) var isCancelled = false
    func cancel() { isCancelled = true }
}

final class FakeAlarm: Alarm {
    private unowned let platform: FakePlatform
    private var onFire: (() -> Void)?
    private var setting = 0

    init(_ platform: FakePlatform, _ onFire: @escaping () -> Void) {
        self.platform = platform
        self.onFire = onFire
    }

    func set(for instant: Instant) {
        setting += 1
        let mine = setting
        platform.schedule(at: max(instant, platform.now)) { [weak self] in
            guard let self, setting == mine else { return }
            onFire?()
        }
    }

    func cancel() { setting += 1 }

    func close() {
        cancel()
        onFire = nil
    }
}

final class FakeSocket: DatagramSocket {
    private unowned let platform: FakePlatform
    let localAddress: TransportAddress
    var onDatagram: ((Span<UInt8>, TransportAddress) -> Void)?
    var onWritable: (() -> Void)?
    var onUnreachable: ((TransportAddress, NetworkError) -> Void)?
    var sendError: NetworkError?
    private(set) var isClosed = false

    init(_ platform: FakePlatform, _ localAddress: TransportAddress) {
        self.platform = platform
        self.localAddress = localAddress
    }

    func send(_ bytes: Span<UInt8>, to destination: TransportAddress) throws(NetworkError) {
        if let sendError { throw sendError }
        platform.onSend?([UInt8](copying: bytes), destination, self)
    }

    func deliver(_ bytes: [UInt8], from source: TransportAddress, after delay: Duration) {
        platform.schedule(after: delay) { [weak self] in self?.onDatagram?(bytes.span, source) }
    }

    func close() {
        isClosed = true
        (onDatagram, onUnreachable) = (nil, nil)
    }
}

final class FakeStream: ByteStream {
    private unowned let platform: FakePlatform
    let remoteAddress: TransportAddress
    var localAddress: TransportAddress?
    var onConnect: (() -> Void)?
    var onBytes: ((Span<UInt8>) -> Void)?
    var onClose: ((NetworkError) -> Void)?
    var onWritable: (() -> Void)?
    var unsentByteCount = 0
    private(set) var unsentLimit: Int?
    private(set) var isClosed = false

    init(_ platform: FakePlatform, _ remoteAddress: TransportAddress) {
        self.platform = platform
        self.remoteAddress = remoteAddress
    }

    func write(_ bytes: [UInt8]) throws(NetworkError) { platform.onWrite?(bytes, self) }

    func limitUnsent(to byteCount: Int) { unsentLimit = byteCount }

    /// Delivers bytes in segments.
    func deliver(_ bytes: [UInt8], segment: Int = 1000, after delay: Duration) {
        for start in stride(from: 0, to: bytes.count, by: segment) {
            let part = Array(bytes[start..<min(start + segment, bytes.count)])
            platform.schedule(after: delay) { [weak self] in self?.onBytes?(part.span) }
        }
    }

    func close() {
        isClosed = true
        (onConnect, onBytes, onClose) = (nil, nil, nil)
    }

    func reset() { close() }
}
