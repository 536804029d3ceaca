public import NetBase

extension SimulatedHost {
    /// The system tells each socket, on a turn of its own.
    func roomCame() {
        for port in datagramPorts.keys.sorted() {
            for socket in datagramPorts[port, default: []] {
                fabric.scheduler.schedule(at: now) { [weak socket] in socket?.onWritable?() }
            }
        }
    }

    /// Binds a UDP socket to one of the host's addresses, a loopback address or any address; port 0 takes a free one.
    ///
    /// IPv6 sockets take no IPv4. Throws `.addressInUse` and `.addressNotAvailable`.
    public func bind(_ address: TransportAddress) throws(NetworkError) -> SimulatedSocket {
        let address = try bindable(address, "bind")
        let port = try freePort(for: address) { port in
            datagramPorts[port, default: []].contains { $0.localAddress.ip.conflicts(with: address.ip) }
        }
        let socket = SimulatedSocket(TransportAddress(address.ip, port: port), on: self)
        datagramPorts[port, default: []].append(socket)
        return socket
    }

    /// Accepts TCP connections to one of the host's addresses or to any; port 0 takes a free one.
    ///
    /// Throws `.addressInUse` and `.addressNotAvailable`.
    @discardableResult
    public func listen(
        on address: TransportAddress, onConnection: @escaping (SimulatedStream) -> Void
    ) throws(NetworkError) -> SimulatedListener {
        try listen(on: address, sharesPort: false, onConnection)
    }

    func listen(
        on address: TransportAddress, sharesPort: Bool, _ onConnection: ((SimulatedStream) -> Void)?
    ) throws(NetworkError) -> SimulatedListener {
        let address = try bindable(address, "listen")
        let port = try freePort(for: address) { port in
            listeners[port, default: []].contains { $0.localAddress.ip.conflicts(with: address.ip) }
        }
        let listener = SimulatedListener(
            TransportAddress(address.ip, port: port), on: self, sharesPort: sharesPort, onConnection)
        listeners[port, default: []].append(listener)
        return listener
    }

    /// Whether a connection may not start from a local port.
    func isReserved(_ local: TransportAddress, forWhoShares sharesPort: Bool) -> Bool {
        listeners[local.port, default: []].contains {
            $0.localAddress.ip.conflicts(with: local.ip) && !(sharesPort && $0.sharesPort)
        }
    }

    func has(_ ip: IPAddress) -> Bool {
        ip.isLoopback || interfaces.contains { $0.has(ip) }
    }

    func ephemeralPort(isTaken: (UInt16) -> Bool) -> UInt16? {
        let first = UInt16.random(in: ephemeralPorts, using: &generator)
        var port = first
        repeat {
            if !isTaken(port) { return port }
            port = port == ephemeralPorts.upperBound ? ephemeralPorts.lowerBound : port + 1
        } while port != first
        return nil
    }

    private func freePort(
        for address: TransportAddress, isTaken: (UInt16) -> Bool
    ) throws(NetworkError) -> UInt16 {
        if address.port != 0, !isTaken(address.port) { return address.port }
        if address.port == 0, let port = ephemeralPort(isTaken: isTaken) { return port }
        throw NetworkError(simulated: .addressInUse, "bind \(address)").binding(to: address)
    }

    /// Link-local addresses may be given without their scope where one interface has them.
    private func bindable(_ address: TransportAddress, _ verb: String) throws(NetworkError) -> TransportAddress {
        if address.ip.isUnspecified || has(address.ip) { return address }
        if address.ip.scopeID == 0, let interface = interfaces.first(where: { $0.has($0.scoped(address.ip)) }) {
            return TransportAddress(interface.scoped(address.ip), port: address.port)
        }
        throw NetworkError(simulated: .addressNotAvailable, "\(verb) \(address)").binding(to: address)
    }
}

extension IPAddress {
    fileprivate func conflicts(with other: IPAddress) -> Bool {
        family == other.family && (self == other || isUnspecified || other.isUnspecified)
    }
}
