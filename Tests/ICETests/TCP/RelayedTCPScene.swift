import ICE
import ICETesting
import NetBase

/// A TURN server that relays TCP, and hosts that reach it over TCP.
struct RelayedTCPScene {
    let network: SimulatedNetwork
    let serverHost: SimulatedHost
    let server: SimulatedTURNServer

    static let relays: CandidateTransports = [.tcp, .relayedTCP]

    init(seed: UInt64) throws {
        network = SimulatedNetwork(seed: seed)
        serverHost = network.makeHost("turn", addresses: ["192.0.2.10"])
        serverHost.link.setConditions(LinkConditions(delay: .milliseconds(10)))
        server = try SimulatedTURNServer(on: serverHost, users: ["user": "secret"])
    }

    /// A host behind a NAT that lets nobody in and nothing but TCP out.
    func hidden(_ name: String, _ number: UInt32) -> SimulatedHost {
        let behavior = NATBehavior(
            mapping: .endpointIndependent, filtering: .addressAndPortDependent, blocksUDP: true)
        let nat = network.makeNAT(
            "\(name)'s NAT", external: [IPAddress(v4: 0xcb00_7100 | number)], behavior: behavior)
        let host = network.makeHost(name, addresses: [IPAddress(v4: 0x0a00_0002 | number << 8)], behind: nat)
        host.link.setConditions(LinkConditions(delay: .milliseconds(10)))
        return host
    }

    func open(_ name: String, at ip: IPAddress) -> SimulatedHost {
        let host = network.makeHost(name, addresses: [ip])
        host.link.setConditions(LinkConditions(delay: .milliseconds(10)))
        return host
    }

    func turn(_ urls: String...) throws -> ICEServer {
        try ICEServer(
            urls: urls.isEmpty ? ["turn:192.0.2.10?transport=tcp"] : urls, username: "user", credential: "secret")
    }

    /// A call whose caller has but TCP relays, and whose callee has what it is given.
    func call(
        _ a: SimulatedHost, _ b: SimulatedHost, roles: [Role] = [.controlling, .controlled],
        _ configure: (inout ICEConfiguration) -> Void = { _ in },
        callee: (inout ICEConfiguration) -> Void = { _ in }
    ) throws -> SimulatedCall {
        let servers = [try turn()]
        return SimulatedCall(network, a, b, roles: roles) {
            $0.transports = Self.relays
            $0.transportPolicy = .relay
            $0.servers = servers
            $0.pacing = .fast
            configure(&$0)
        } configureCallee: {
            callee(&$0)
        }
    }

    /// A callee without a server, whose ports nobody calls.
    static func callsFromHost(_ configuration: inout ICEConfiguration) {
        configuration.transports = .tcp
        configuration.transportPolicy = .all
        configuration.servers = []
    }

    func hasSettled(_ call: SimulatedCall, atMost limit: Duration = .seconds(30)) -> Bool {
        network.run(until: { call.isCompleted }, atMost: limit)
    }
}
