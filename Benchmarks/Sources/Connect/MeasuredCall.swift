import ICE
import ICETesting
import Measuring

/// Two clients and a STUN server on a simulated network; signalling takes no time.
struct MeasuredCall {
    private let network = SimulatedNetwork(seed: 1)
    private let clients: [ICEClient]

    private static let server: IPAddress = "192.0.2.10"
    private static let patience = Duration.seconds(60)

    init(at place: Place, roundTrip: Duration, profile: Profile) throws {
        let serverHost = network.makeHost("server", addresses: [Self.server])
        try SimulatedSTUNServer(on: serverHost)
        let hosts = [
            Self.makeHost("a", outside: "203.0.113.1", inside: "10.0.1.2", at: place, on: network),
            Self.makeHost("b", outside: "203.0.113.2", inside: "10.0.2.2", at: place, on: network),
        ]
        // A datagram goes over the links of two hosts.
        for host in hosts + [serverHost] { host.link.setConditions(LinkConditions(delay: roundTrip / 4)) }

        var configuration = ICEConfiguration()
        configuration.servers = [try ICEServer(urls: ["stun:192.0.2.10"])]
        configuration.pacing = profile.pacing
        configuration.nomination = profile.nomination
        clients = zip(hosts, [Role.controlling, .controlled]).map { host, role in
            configuration.role = role
            return ICEClient(on: host, configuration: configuration)
        }
    }

    private static func makeHost(
        _ name: String, outside: IPAddress, inside: IPAddress, at place: Place, on network: SimulatedNetwork
    ) -> SimulatedHost {
        guard place == .natted else { return network.makeHost(name, addresses: [outside]) }
        let nat = network.makeNAT("\(name)-nat", external: [outside], behavior: .portRestricted)
        return network.makeHost(name, addresses: [inside], behind: nat)
    }

    /// The milliseconds from the start of both until both are connected, and until both have their nominated pair and know that there
    /// are no more candidates.
    func connect() -> (connected: Double, completed: Double) {
        let start = network.now
        let (caller, callee) = (clients[0], clients[1])
        caller.onCandidate = { callee.addRemoteCandidate($0) }
        callee.onCandidate = { caller.addRemoteCandidate($0) }
        do {
            try caller.setRemoteParameters(callee.localParameters)
            try callee.setRemoteParameters(caller.localParameters)
        } catch { Options.refuse("\(error)") }
        for client in clients {
            client.gatherCandidates()
            client.processCandidates()
        }
        let connected = time(since: start) { $0 == .connected || $0 == .completed }
        return (connected, time(since: start) { $0 == .completed })
    }

    private func time(since start: Instant, until isReached: (ICEState) -> Bool) -> Double {
        let hasCome = network.run(until: { clients.allSatisfy { isReached($0.state) } }, atMost: Self.patience)
        precondition(hasCome, "the simulated call did not come so far")
        return (network.now - start).milliseconds
    }
}
