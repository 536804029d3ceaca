import ICE
import ICETesting

/// A whole call between two dual-stack clients behind NATs, with trickled candidates and a message each way; its events are printed.
final class Call {
    private let network: SimulatedNetwork
    private let clients: [ICEClient]
    private static let names = ["caller", "callee"]

    init(on network: SimulatedNetwork, askingServerAt url: String) throws {
        self.network = network
        let servers = [try ICEServer(urls: [url])]
        clients = [Role.controlling, .controlled].enumerated().map { index, role in
            let host = Self.makeHost(index, on: network)
            var configuration = ICEConfiguration(role: role)
            configuration.servers = servers
            return ICEClient(on: host, configuration: configuration)
        }
        for index in clients.indices { listen(to: index) }
    }

    /// A host with IPv4 behind a NAT, IPv6 behind the same router's firewall, and a second interface on another network.
    private static func makeHost(_ index: Int, on network: SimulatedNetwork) -> SimulatedHost {
        let number = UInt32(index + 1)
        let router = network.makeNAT("\(names[index])-router", external: [IPAddress(v4: 0xcb00_7100 + number)])
        let mobile = network.makeNAT("\(names[index])-mobile", external: [IPAddress(v4: 0xcb00_7200 + number)])
        let addresses = ["192.168.0.2", IPAddress(v6High: 0x2001_0db8_0000_0000 | UInt64(number), low: 2)]
        let host = network.makeHost(names[index], addresses: addresses, behind: router)
        let wireless = host.addInterface("wlan0", addresses: ["10.0.0.2"], behind: mobile)
        host.link.setConditions(impaired)
        wireless.link.setConditions(impaired)
        return host
    }

    private func listen(to index: Int) {
        let client = clients[index]
        let peer = clients[1 - index]
        client.onCandidate = { [weak self, weak peer] candidate in
            self?.print(index, "candidate \(candidate.map { "\($0)" } ?? "none")")
            self?.network.schedule(after: .milliseconds(30)) { peer?.addRemoteCandidate(candidate) }
        }
        client.onStateChange = { [weak self] state in self?.print(index, "\(state)") }
        client.onPairNominated = { [weak self] pair in self?.print(index, "nominated \(pair)") }
        client.onPairFailed = { [weak self] pair, failure in self?.print(index, "failed \(pair) \(failure)") }
        client.onData = { [weak self] bytes, _ in self?.print(index, "received \(bytes.count) bytes") }
    }

    private func print(_ index: Int, _ text: String) {
        Swift.print("\(network.now) \(Self.names[index]) \(text)")
    }

    /// Runs the call to its end, however it goes.
    func run() throws {
        try clients[0].setRemoteParameters(clients[1].localParameters)
        try clients[1].setRemoteParameters(clients[0].localParameters)
        for client in clients {
            client.gatherCandidates()
            client.processCandidates()
        }
        network.run(for: .seconds(20))
        for _ in 0..<20 {
            for client in clients { try? client.send("good day") }
            network.run(for: .seconds(1))
        }
        for client in clients { client.close() }
        network.run(for: .seconds(1))
    }
}
