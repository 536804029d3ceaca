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
