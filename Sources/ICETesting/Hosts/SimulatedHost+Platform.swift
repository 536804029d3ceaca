public import NetBase

extension SimulatedHost: Platform {
    /// The network's virtual time.
    public var now: Instant { fabric.now }

    /// The addresses of all interfaces that are up, loopback first.
    public func interfaceAddresses() -> [InterfaceAddress] {
        var all = [
            InterfaceAddress(interface: "lo", index: 1, ip: .loopback(.v4), prefixLength: 8, kind: .loopback),
            InterfaceAddress(interface: "lo", index: 1, ip: .loopback(.v6), prefixLength: 128, kind: .loopback),
        ]
        for interface in interfaces where interface.isUp { all += interface.addresses }
        return all
    }

    /// The address that packets to a destination leave from: of the first interface that is up and has a route.
    public func sourceAddress(towards destination: IPAddress) throws(NetworkError) -> IPAddress {
        try route(from: .any(destination.family), to: destination).source
    }

    package func watchInterfaces(_ onChange: @escaping () -> Void) -> any Cancellable { watch(onChange) }

    /// A generator that follows from the network's seed, the host's name and the number of generators made before.
    public func makeRandomNumberGenerator() -> any RandomNumberGenerator {
        SeededGenerator(seed: generator.next())
    }

    package func enqueue(_ work: @escaping () -> Void) {
        fabric.scheduler.schedule(at: fabric.now, work)
    }

    package func makeAlarm(_ onFire: @escaping () -> Void) -> any Alarm {
        SimulatedAlarm(on: fabric.scheduler, onFire)
    }

    package func bindDatagramSocket(to address: TransportAddress) throws(NetworkError) -> any DatagramSocket {
        try bind(address)
    }

    package func bindMulticastSocket(to group: TransportAddress) -> any MulticastSocket { join(group) }

    package func connectStream(
        to address: TransportAddress, from local: TransportAddress?, sharesPort: Bool
    ) throws(NetworkError) -> any ByteStream {
        if let local, isReserved(local, forWhoShares: sharesPort) {
            throw NetworkError(simulated: .addressInUse, "connect \(local) > \(address)")
        }
        return try connect(to: address, from: local)
    }

    package func listenForStreams(
        on address: TransportAddress, sharesPort: Bool
    ) throws(NetworkError) -> any StreamListener {
        try listen(on: address, sharesPort: sharesPort, nil)
    }

    package func resolve(
        _ host: String, onResult: @escaping (Result<[IPAddress], NetworkError>) -> Void
    ) throws(NetworkError) -> any Cancellable {
        let names = fabric.names
        return fabric.scheduler.schedule(at: fabric.now + names.delay) { onResult(names.answer(for: host)) }
    }

    package var pacingGovernor: any PacingGovernor { governor }
}
