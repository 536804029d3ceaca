public import ICE

extension ICEClient {
    /// A client on a simulated host: the very same client as on a real loop, in virtual time.
    ///
    /// ```swift
    /// let network = SimulatedNetwork(seed: 1)
    /// let alice = ICEClient(on: network.makeHost("alice", addresses: ["192.0.2.1"]))
    /// let bob = ICEClient(on: network.makeHost("bob", addresses: ["192.0.2.2"]), configuration: .init(role: .controlled))
    /// ```
    public convenience init(on host: SimulatedHost, configuration: ICEConfiguration = ICEConfiguration()) {
        self.init(platform: host, configuration: configuration)
    }
}

extension SharedPort {
    /// A port of a simulated host that its clients share.
    ///
    /// - Throws: `NetworkError` where an address is not the host's, or the port is taken.
    public convenience init(
        on host: SimulatedHost, configuration: SharedPortConfiguration = SharedPortConfiguration()
    ) throws(NetworkError) {
        try self.init(platform: host, configuration: configuration)
    }
}

extension TURNClient {
    /// A TURN client on a simulated host.
    ///
    /// - Throws: `TURNClientError` for a configuration that makes no sense.
    public convenience init(
        on host: SimulatedHost, configuration: TURNClientConfiguration
    ) throws(TURNClientError) {
        try self.init(platform: host, configuration: configuration)
    }
}

extension STUNClient {
    /// A STUN client on a simulated host.
    ///
    /// - Throws: `STUNClientError` for a configuration that makes no sense.
    public convenience init(
        on host: SimulatedHost, configuration: STUNClientConfiguration
    ) throws(STUNClientError) {
        try self.init(platform: host, configuration: configuration)
    }
}
