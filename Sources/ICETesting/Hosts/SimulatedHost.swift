public import NetBase

/// A machine, or rather a process on one, with its interfaces, sockets and its share of the network's randomness.
///
/// Clients run on it as they do on an event loop. A test may also use it bare:
///
/// ```swift
/// let host = network.makeHost("b", addresses: ["192.0.2.2", "2001:db8::2"])
/// let wlan = host.addInterface("wlan0", addresses: ["10.0.0.7"], behind: cafe)
/// network.schedule(after: .seconds(5)) { wlan.isUp = false }
/// ```
public final class SimulatedHost {
    /// The host's name in the trace.
    public let name: String

    /// The interfaces beside loopback, in the order in which they were added.
    public private(set) var interfaces: [SimulatedInterface] = []

    /// Whether a datagram for a port that nobody listens on is answered with an ICMP error, and a connection with a reset.
    public var answersClosedPorts = true

    /// The ports that sockets get which ask for any.
    public var ephemeralPorts: ClosedRange<UInt16> = 49_152...65_535

    /// How long ``connect(to:from:)`` waits for an answer.
    public var connectTimeout: Duration = .seconds(75)

    /// The largest piece of a connection that it sends, or reads at a time, in bytes; nil for what fits into a packet on an Ethernet, and
    /// for reading any number. 1 makes its connections send and read byte by byte.
    public var streamPieceLimit: Int?

    /// How often what happened to packets at this host.
    public internal(set) var counters = PacketCounters()

    let fabric: Fabric
    let governor = SimulatedPacingGovernor()
    var generator: SeededGenerator
    package weak var sharedResponder: AnyObject?
    var multicastSockets: [SimulatedMulticastSocket] = []
    var datagramPorts: [UInt16: [SimulatedSocket]] = [:]
    var listeners: [UInt16: [SimulatedListener]] = [:]
    var streams: [StreamKey: SimulatedStream] = [:]
    private let internet: Segment
    private var services: [AnyObject] = []
    private var watchers: [WeakWatcher] = []
    private var changeIsDue = false

    init(_ name: String, internet: Segment, on fabric: Fabric) {
        self.name = name
        self.internet = internet
        self.fabric = fabric
        generator = SeededGenerator(seed: fabric.seed, stream: "host/\(name)")
    }

    /// The first interface, which the host was made with.
    public var interface: SimulatedInterface { interfaces[0] }

    /// The cable of the first interface.
    public var link: SimulatedLink { interface.link }

    /// Adds an interface on the Internet or behind a NAT, whose name must be new to the host.
    @discardableResult
    public func addInterface(
        _ name: String, addresses: [IPAddress], behind nat: SimulatedNAT? = nil, kind: NetworkKind = .ethernet
    ) -> SimulatedInterface {
        addInterface(name, addresses: addresses, on: nat?.inside ?? internet, kind: kind)
    }

    @discardableResult
    func addInterface(
        _ name: String, addresses: [IPAddress], on segment: Segment, kind: NetworkKind = .ethernet
    ) -> SimulatedInterface {
        precondition(!interfaces.contains { $0.name == name }, "\(self.name) has an interface \(name)")
        let link = SimulatedLink(interfaces.isEmpty ? self.name : "\(self.name)/\(name)", to: segment, on: fabric)
        link.owner = self
        let interface = SimulatedInterface(name, index: UInt32(interfaces.count + 2), link: link)
        interface.kind = kind
        interfaces.append(interface)
        interface.onChange = { [weak self] in self?.interfacesChanged() }
        interface.onWritable = { [weak self] in self?.roomCame() }
        interfacesChanged()
        for ip in addresses { interface.addAddress(ip) }
        return interface
    }

    /// Closes all sockets and takes all addresses away, without a word to anybody: the machine loses its power.
    public func shutDown() {
        let ports = datagramPorts
        datagramPorts = [:]
        for socket in ports.values.joined() { socket.abandon() }
        let members = multicastSockets
        multicastSockets = []
        for member in members { member.abandon() }
        let connections = streams
        streams = [:]
        for stream in connections.values { stream.abandon() }
        listeners = [:]
        services = []
        watchers = []
        for interface in interfaces { interface.removeAllAddresses() }
    }

    /// Keeps a server alive as long as the host.
    func keep(_ service: AnyObject) { services.append(service) }

    func watch(_ onChange: @escaping () -> Void) -> SimulatedWatcher {
        let watcher = SimulatedWatcher(onChange)
        watchers.removeAll { $0.watcher == nil }
        watchers.append(WeakWatcher(watcher: watcher))
        return watcher
    }

    /// However much changes in one turn, it is told once, on a later one.
    private func interfacesChanged() {
        guard !changeIsDue, !watchers.isEmpty else { return }
        changeIsDue = true
        fabric.scheduler.schedule(at: fabric.now) { [weak self] in
            guard let self else { return }
            changeIsDue = false
            for watcher in watchers { watcher.watcher?.onChange?() }
        }
    }

    private struct WeakWatcher {
        weak var watcher: SimulatedWatcher?
    }

    func record(_ event: PacketEvent, _ packet: Packet) {
        counters[event] += 1
        fabric.record(event, packet, at: name)
    }
}

/// Somebody who wants to know when a host's interfaces have changed, until he lets go or cancels.
final class SimulatedWatcher: Cancellable {
    private(set) var onChange: (() -> Void)?

    init(_ onChange: @escaping () -> Void) { self.onChange = onChange }

    package func cancel() { onChange = nil }
}

/// One slot after another, for all clients of one host.
final class SimulatedPacingGovernor: PacingGovernor {
    private var free = Instant(nanoseconds: 0)

    package func claim(at now: Instant, spacing: Duration) -> Instant? {
        let slot = max(now, free)
        free = slot + spacing
        return slot == now ? nil : slot
    }
}
