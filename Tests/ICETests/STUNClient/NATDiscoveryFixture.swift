import ICE
import ICETesting
import Testing

/// A client behind a NAT of the matrix, and a STUN server with two addresses.
final class NATDiscoveryScene {
    let network: SimulatedNetwork
    let host: SimulatedHost
    let server: SimulatedHost
    let client: STUNClient
    private(set) var results: [Result<NATReport, STUNClientError>] = []
    /// When requests under new IDs left the client's machine.
    private(set) var starts: [Instant] = []
    /// How many datagrams left the client's machine.
    private(set) var sentCount = 0

    /// What lies between the client and the server.
    typealias Side = NATMatrixTests.Side

    init(
        _ side: Side = .portRestricted, seed: UInt64 = 5780, addresses: [IPAddress] = ["192.0.2.10", "192.0.2.11"],
        alternatePort: UInt16? = 3479, _ change: (inout NATBehavior) -> Void = { _ in }
    ) throws {
        network = SimulatedNetwork(seed: seed)
        server = network.makeHost("stun", addresses: addresses)
        try SimulatedSTUNServer(on: server, alternatePort: alternatePort)
        host = Self.host(side, on: network, change)
        for host in [host, server] { host.link.setConditions(LinkConditions(delay: .milliseconds(10))) }
        client = try STUNClient(on: host, configuration: STUNClientConfiguration(host: "192.0.2.10"))
        var seen: Set<STUNTransactionID> = []
        network.interceptor = { [weak self] packet in
            guard let self, packet.sender == "client" else { return .pass }
            sentCount += 1
            if let message = try? STUNMessage(parsing: packet.bytes.span), seen.insert(message.transactionID).inserted {
                starts.append(network.now)
            }
            return .pass
        }
    }

    private static func host(
        _ side: Side, on network: SimulatedNetwork, _ change: (inout NATBehavior) -> Void
    ) -> SimulatedHost {
        guard var behavior = side.behavior else { return network.makeHost("client", addresses: ["203.0.113.1"]) }
        change(&behavior)
        let nat = network.makeNAT(
            "nat", external: behavior.translates ? ["203.0.113.1"] : [], behavior: behavior)
        return network.makeHost("client", addresses: [behavior.translates ? "10.0.0.2" : "203.0.113.1"], behind: nat)
    }

    func start(_ change: (inout NATDiscoveryOptions) -> Void = { _ in }) {
        var options = NATDiscoveryOptions()
        change(&options)
        client.discoverNATBehavior(options) { [weak self] in self?.results.append($0) }
    }

    /// Runs a discovery to its end.
    func report(
        atMost limit: Duration = .seconds(30), _ change: (inout NATDiscoveryOptions) -> Void = { _ in }
    ) throws -> NATReport {
        start(change)
        #expect(results.isEmpty, "an event inside the call that caused it")
        network.run(until: { !results.isEmpty }, atMost: limit)
        return try #require(results.first).get()
    }
}

extension NATMatrixTests.Side {
    var mapping: NATReport.Mapping? {
        switch self {
        case .open, .firewalled: .noNAT
        case .fullCone, .addressRestricted, .portRestricted: .endpointIndependent
        case .symmetric: .addressAndPortDependent
        case .symmetricAddress: .addressDependent
        case .udpBlocked: nil
        }
    }

    var filtering: NATReport.Filtering? {
        switch self {
        case .open, .fullCone: .endpointIndependent
        case .addressRestricted: .addressDependent
        case .firewalled, .portRestricted, .symmetric, .symmetricAddress: .addressAndPortDependent
        case .udpBlocked: nil
        }
    }

    /// Whether hairpinned packets get through where the NAT turns them around; nil where there is no NAT to do so.
    var canHairpin: Bool? {
        switch self {
        case .fullCone, .addressRestricted, .portRestricted: true
        // One end is mapped to a port that the other could not foretell.
        case .symmetric, .symmetricAddress: false
        case .open, .firewalled, .udpBlocked: nil
        }
    }

    var verdict: NATReport.Verdict {
        switch self {
        case .open, .fullCone, .addressRestricted: .directToAll
        case .firewalled, .portRestricted: .directToMost
        case .symmetric, .symmetricAddress: .directToFew
        case .udpBlocked: .noUDP
        }
    }
}
