public import NetBase

/// A network that exists in memory and in virtual time: hosts, links with faults, NATs, names.
///
/// ```swift
/// let network = SimulatedNetwork(seed: 7)
/// let home = network.makeNAT("home", external: ["203.0.113.5"], behavior: .portRestricted)
/// let alice = network.makeHost("alice", addresses: ["192.168.1.2"], behind: home)
/// let server = network.makeHost("server", addresses: ["192.0.2.10"])
/// alice.link.setConditions(LinkConditions(delay: .milliseconds(20), loss: 0.05))
///
/// let echo = try server.bind("192.0.2.10:7")
/// echo.onDatagram = { [weak echo] bytes, source in try? echo?.send(bytes, to: source) }
/// let socket = try alice.bind("192.168.1.2:0")
/// var answers = 0
/// socket.onDatagram = { _, _ in answers += 1 }
/// try socket.send([1, 2, 3], to: "192.0.2.10:7")
/// network.run(until: { answers > 0 }, atMost: .seconds(1))
/// ```
///
/// Nothing runs by itself: ``run(until:atMost:)`` and ``run(for:)`` do what is due and leap from one instant to the next, without
/// ever sleeping. The same seed and the same calls give the same ``trace`` in every process. The network owns its hosts and NATs;
/// when it goes, their sockets close.
public final class SimulatedNetwork {
    /// What all random choices on the network follow from.
    public var seed: UInt64 { fabric.seed }

    /// The names that hosts can look up.
    public var names: SimulatedNames {
        get { fabric.names }
        set { fabric.names = newValue }
    }

    /// All hosts, in the order in which they were made.
    public private(set) var hosts: [SimulatedHost] = []

    let fabric: Fabric
    let internet: Segment
    private var nats: [SimulatedNAT] = []
    private var takenNames: Set<String> = []

    /// An empty network; all its random choices follow from the seed.
    public init(seed: UInt64) {
        fabric = Fabric(seed: seed)
        internet = Segment("internet", on: fabric)
    }

    deinit {
        for host in hosts { host.shutDown() }
        fabric.scheduler.removeAll()
        fabric.interceptor = nil
    }

    /// Makes a host with one interface, on the Internet or behind a NAT; the name must be new to the network.
    public func makeHost(
        _ name: String, addresses: [IPAddress] = [], behind nat: SimulatedNAT? = nil
    ) -> SimulatedHost {
        claim(name)
        let host = SimulatedHost(name, internet: internet, on: fabric)
        host.addInterface("eth0", addresses: addresses, on: nat?.inside ?? internet)
        hosts.append(host)
        return host
    }

    /// Makes a NAT or firewall, on the Internet or behind another; the name must be new to the network.
    public func makeNAT(
        _ name: String, external: [IPAddress] = [], behavior: NATBehavior = .portRestricted,
        behind nat: SimulatedNAT? = nil
    ) -> SimulatedNAT {
        claim(name)
        let made = SimulatedNAT(
            name, external: external, behavior: behavior, outside: nat?.inside ?? internet, on: fabric)
        nats.append(made)
        return made
    }

    /// A random number generator of the test's own, which depends on the seed and the name alone.
    public func makeRandomNumberGenerator(_ stream: String) -> SeededGenerator {
        SeededGenerator(seed: seed, stream: "test/\(stream)")
    }

    private func claim(_ name: String) {
        precondition(takenNames.insert(name).inserted, "the name \(name) is taken: random streams are named after it")
    }
}

// MARK: - Time

extension SimulatedNetwork {
    /// The time now; it starts at 0.
    public var now: Instant { fabric.now }

    /// Whether nothing will happen any more unless somebody does something from outside.
    public var isIdle: Bool { fabric.scheduler.isIdle }

    /// How many events one instant may hold before the network traps because of an endless loop.
    public var turnLimit: Int {
        get { fabric.scheduler.turnLimit }
        set { fabric.scheduler.turnLimit = newValue }
    }

    /// Lets time pass until a condition holds, and says whether it came to that within a span of virtual time.
    ///
    /// The condition is looked at before every event; if it never holds, the whole span passes.
    @discardableResult
    public func run(until condition: () -> Bool, atMost span: Duration) -> Bool {
        let limit = now + span
        while !condition() {
            guard fabric.scheduler.runNext(notAfter: limit) else {
                fabric.scheduler.move(to: limit)
                return condition()
            }
        }
        return true
    }

    /// Lets a span of virtual time pass.
    public func run(for span: Duration) {
        run(until: { false }, atMost: span)
    }

    /// Runs work of the test's own after a span of virtual time, for example to break something in the middle of a call.
    public func schedule(after span: Duration, _ work: @escaping () -> Void) {
        fabric.scheduler.schedule(at: now + span, work)
    }
}

// MARK: - Watching and interfering

extension SimulatedNetwork {
    /// Whether ``trace`` is written; off by default.
    public var isTracing: Bool {
        get { fabric.isTracing }
        set { fabric.isTracing = newValue }
    }

    /// What happened to every packet since ``isTracing`` was set.
    public var trace: [PacketRecord] { fabric.trace }

    /// The trace as text, a line per record: the same for the same seed in every process.
    public var traceText: String {
        fabric.trace.map { "\($0)\n" }.joined()
    }

    /// How often what happened to packets anywhere on the network.
    public var counters: PacketCounters { fabric.counters }

    /// Whether datagrams for an address that nobody has come back as "host unreachable"; off by default, they vanish.
    public var reportsUnknownAddresses: Bool {
        get { fabric.reportsUnknownAddresses }
        set { fabric.reportsUnknownAddresses = newValue }
    }

    /// Looks at every datagram that leaves a host, and may drop, change or hold it.
    public var interceptor: ((SimulatedPacket) -> PacketVerdict)? {
        get { fabric.interceptor }
        set { fabric.interceptor = newValue }
    }

    /// Puts a datagram on the Internet, or on the inner side of a NAT, whose sender need not exist: what an attacker may do.
    public func inject(
        _ bytes: [UInt8], from source: TransportAddress, to destination: TransportAddress,
        behind nat: SimulatedNAT? = nil
    ) {
        let packet = Packet(
            source: source.unscoped, destination: destination.unscoped, content: .datagram(bytes))
        let segment = nat?.inside ?? internet
        fabric.record(.injected, packet, at: segment.name)
        fabric.scheduler.schedule(at: now) { segment.route(packet, from: nil) }
    }
}
