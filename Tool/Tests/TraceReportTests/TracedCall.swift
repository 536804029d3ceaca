import Foundation
import ICE
import ICETesting

@testable import TraceReport

/// Two clients on the simulated network, whose traces are saved as `ice-peer --trace` saves them.
final class TracedCall {
    let network: SimulatedNetwork
    let clients: [ICEClient]
    private var lines = [Data(), Data()]
    private let encoder = JSONEncoder()
    /// What a side's candidates become on their way; nil loses one.
    var signal: (Int, Candidate?) -> Candidate?? = { _, candidate in .some(candidate) }

    init(
        _ network: SimulatedNetwork, _ hosts: [SimulatedHost], servers: [ICEServer] = [],
        configure: (inout ICEConfiguration) -> Void = { _ in }
    ) {
        self.network = network
        clients = zip(hosts, [Role.controlling, .controlled]).map { host, role in
            var configuration = ICEConfiguration(role: role)
            configuration.servers = servers
            configure(&configuration)
            return ICEClient(on: host, configuration: configuration)
        }
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for index in [0, 1] {
            let (client, peer) = (clients[index], clients[1 - index])
            client.onTrace = { [weak self] in self?.save($0, of: index) }
            client.onCandidate = { [weak self, weak peer] candidate in
                guard let self, let told = signal(index, candidate) else { return }
                network.schedule(after: .milliseconds(30)) { peer?.addRemoteCandidate(told) }
            }
        }
    }

    private func save(_ event: ICETraceEvent, of index: Int) {
        guard let line = try? encoder.encode(event) else { return }
        lines[index] += line + [UInt8(ascii: "\n")]
    }

    var caller: ICEClient { clients[0] }
    var callee: ICEClient { clients[1] }
    var isCompleted: Bool { clients.allSatisfy { $0.state == .completed } }

    /// Exchanges credentials, or others in their place, and starts both sides.
    func start(tellingCaller parameters: ICEParameters? = nil, tellingCallee other: ICEParameters? = nil) throws {
        try caller.setRemoteParameters(parameters ?? callee.localParameters)
        try callee.setRemoteParameters(other ?? caller.localParameters)
        for client in clients {
            client.gatherCandidates()
            client.processCandidates()
        }
    }

    @discardableResult
    func run(until condition: () -> Bool, atMost span: Duration = .seconds(200)) -> Bool {
        let holds = network.run(until: condition, atMost: span)
        network.run(for: .milliseconds(1))
        return holds
    }

    func data(_ index: Int = 0) -> Data { lines[index] }

    /// What the caller's trace says, or the callee's.
    func report(_ index: Int = 0, _ name: String = #function) throws -> CallReport {
        if let folder = ProcessInfo.processInfo.environment["TRACE_SAMPLES"] {
            let file = name.prefix { $0 != "(" } + (index == 0 ? ".trace" : "-callee.trace")
            try lines[index].write(to: URL(fileURLWithPath: folder).appending(path: String(file)))
        }
        return CallReport(try Trace(lines[index], name: String(name.prefix { $0 != "(" })))
    }
}

/// Networks that calls succeed and fail on.
struct Scene {
    let network: SimulatedNetwork
    let turn: SimulatedTURNServer
    let stun = ["stun:192.0.2.10"]

    init(_ seed: UInt64 = 5) throws {
        network = SimulatedNetwork(seed: seed)
        let host = network.makeHost("server", addresses: ["192.0.2.10", "192.0.2.11"])
        host.link.setConditions(LinkConditions(delay: .milliseconds(10)))
        turn = try SimulatedTURNServer(on: host, users: ["user": "secret"])
    }

    /// Two hosts on the Internet, or behind NATs.
    func hosts(_ a: NATBehavior? = nil, _ b: NATBehavior? = nil) -> [SimulatedHost] {
        [(a, "caller", 1), (b, "callee", 2)].map { (behavior: NATBehavior?, name: String, number: UInt32) in
            let outside = IPAddress(v4: 0xcb00_7100 | number)
            let host: SimulatedHost
            if let behavior, behavior.translates {
                let nat = network.makeNAT("\(name)-nat", external: [outside], behavior: behavior)
                host = network.makeHost(name, addresses: [IPAddress(v4: 0xc0a8_0002 | number << 8)], behind: nat)
            } else if let behavior {
                let wall = network.makeNAT("\(name)-wall", behavior: behavior)
                host = network.makeHost(name, addresses: [outside], behind: wall)
            } else {
                host = network.makeHost(name, addresses: [outside])
            }
            host.link.setConditions(LinkConditions(delay: .milliseconds(10)))
            return host
        }
    }

    func servers(_ urls: String...) throws -> [ICEServer] {
        try urls.map { url in
            url.hasPrefix("turn")
                ? try ICEServer(urls: [url], username: "user", credential: "secret") : try ICEServer(urls: [url])
        }
    }
}
