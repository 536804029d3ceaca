import NetBase

/// The mappings of one NAT: finds them from both sides and makes new ones.
struct NATTable {
    private var byKey: [MappingKey: MappingState] = [:]
    private var byExternal: [External: MappingState] = [:]
    private var forwards: [External: TransportAddress] = [:]
    private var retired: Set<External> = []
    private var pairs: [IPAddress: Int] = [:]
    private var nextPort: UInt16?
    private var created = 0
    private var generator: SeededGenerator

    init(generator: SeededGenerator) {
        self.generator = generator
    }

    /// The mappings that are alive, oldest first.
    func mappings(at now: Instant) -> [NATMapping] {
        byExternal.values.filter { now < $0.expiry }.sorted { $0.order < $1.order }.map {
            NATMapping(transport: $0.transport, inner: $0.inner, external: $0.external, expiry: $0.expiry)
        }
    }

    /// The mapping for packets from an inner endpoint to a remote one, if there is one already.
    func existing(_ key: MappingKey, at now: Instant) -> MappingState? {
        byKey[key].flatMap { now < $0.expiry ? $0 : nil }
    }

    /// The mapping that an external endpoint belongs to.
    func mapping(
        _ transport: PacketTransport, external: TransportAddress, at now: Instant
    ) -> MappingState? {
        byExternal[External(transport, external)].flatMap { now < $0.expiry ? $0 : nil }
    }

    /// The inner endpoint that an external one leads to at all times.
    func forward(_ transport: PacketTransport, external: TransportAddress) -> TransportAddress? {
        forwards[External(transport, external)]
    }

    /// The external endpoint that always stands for an inner one.
    func forwarded(_ transport: PacketTransport, inner: TransportAddress) -> TransportAddress? {
        // Order does not matter here: an inner endpoint is forwarded once.
        forwards.first { $0.key.transport == transport && $0.value == inner }?.key.endpoint
    }

    mutating func setForward(_ transport: PacketTransport, external: TransportAddress, inner: TransportAddress?) {
        if let inner {
            precondition(forwarded(transport, inner: inner) == nil, "\(inner) is forwarded already")
        }
        forwards[External(transport, external)] = inner
    }

    /// Makes a mapping to one of the external addresses, which are of the inner endpoint's family; nil if no port is free.
    mutating func make(
        _ key: MappingKey, to addresses: [IPAddress], behavior: NATBehavior, at now: Instant, until expiry: Instant
    ) -> MappingState? {
        let external: TransportAddress?
        if addresses.isEmpty {
            external = key.inner
        } else if let fixed = forwarded(key.transport, inner: key.inner) {
            external = fixed
        } else {
            external = choose(key, from: addresses, behavior, at: now)
        }
        guard let external else { return nil }
        if let old = byExternal[External(key.transport, external)] { byKey[old.key] = nil }
        let state = MappingState(key: key, external: external, order: created, expiry: expiry)
        created += 1
        byKey[key] = state
        byExternal[External(key.transport, external)] = state
        return state
    }

    /// Forgets all mappings but the forwarded ones, and on request never hands out their external endpoints again.
    mutating func forget(retiring: Bool) {
        if retiring { retired.formUnion(byExternal.keys) }
        byKey = [:]
        byExternal = [:]
        pairs = [:]
    }

    private mutating func choose(
        _ key: MappingKey, from addresses: [IPAddress], _ behavior: NATBehavior, at now: Instant
    ) -> TransportAddress? {
        let ip = pool(key.inner.ip, addresses, behavior.pooling)
        func isFree(_ port: UInt16) -> Bool {
            let external = External(key.transport, TransportAddress(ip, port: port))
            let isTaken = byExternal[external].map { now < $0.expiry } ?? false
            return !isTaken && forwards[external] == nil && !retired.contains(external)
        }
        if behavior.portPreservation, isFree(key.inner.port) { return TransportAddress(ip, port: key.inner.port) }
        let range = behavior.externalPorts
        var port = nextPort.flatMap { range.contains($0) ? $0 : nil } ?? range.lowerBound
        if behavior.portAllocation == .random { port = UInt16.random(in: range, using: &generator) }
        for _ in 0..<range.count {
            let following = port == range.upperBound ? range.lowerBound : port + 1
            if isFree(port) {
                nextPort = following
                return TransportAddress(ip, port: port)
            }
            port = following
        }
        return nil
    }

    private mutating func pool(
        _ inner: IPAddress, _ addresses: [IPAddress], _ pooling: NATBehavior.Pooling
    ) -> IPAddress {
        switch pooling {
        case .arbitrary:
            return addresses[generator.pick(0...addresses.count - 1)]
        case .paired:
            let index = pairs[inner] ?? pairs.count
            pairs[inner] = index
            return addresses[index % addresses.count]
        }
    }

    private struct External: Hashable {
        let transport: PacketTransport
        let endpoint: TransportAddress

        init(_ transport: PacketTransport, _ endpoint: TransportAddress) {
            self.transport = transport
            self.endpoint = endpoint
        }
    }
}
