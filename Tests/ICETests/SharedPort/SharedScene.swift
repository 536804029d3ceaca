import ICE
import ICETesting

/// A server with one port, and hosts that call it.
final class SharedScene {
    let network: SimulatedNetwork
    let server: SimulatedHost
    let port: SharedPort
    /// What each client of the port and each caller has received.
    private(set) var received: [ObjectIdentifier: [String]] = [:]
    private(set) var failures: [ObjectIdentifier: [PairFailure]] = [:]

    static let delay = Duration.milliseconds(10)

    init(seed: UInt64 = 5, _ configure: (inout SharedPortConfiguration) -> Void = { _ in }) throws {
        network = SimulatedNetwork(seed: seed)
        network.isTracing = true
        server = network.makeHost("server", addresses: ["192.0.2.10"])
        server.link.setConditions(LinkConditions(delay: Self.delay))
        var configuration = SharedPortConfiguration(port: 4000)
        configure(&configuration)
        port = try SharedPort(on: server, configuration: configuration)
    }

    /// A client on the port.
    func answerer(_ configure: (inout ICEConfiguration) -> Void = { _ in }) throws -> ICEClient {
        var configuration = ICEConfiguration(role: .controlled)
        configure(&configuration)
        return listening(try ICEClient(port: port, configuration: configuration))
    }

    func caller(on host: SimulatedHost, _ configure: (inout ICEConfiguration) -> Void = { _ in }) -> ICEClient {
        var configuration = ICEConfiguration(role: .controlling)
        configure(&configuration)
        return listening(ICEClient(on: host, configuration: configuration))
    }

    func listening(_ client: ICEClient) -> ICEClient {
        let id = ObjectIdentifier(client)
        client.onData = { [weak self] bytes, _ in
            self?.received[id, default: []].append(String(decoding: [UInt8](copying: bytes), as: UTF8.self))
        }
        client.onPairFailed = { [weak self] _, failure in self?.failures[id, default: []].append(failure) }
        return client
    }

    func texts(of client: ICEClient) -> [String] { received[ObjectIdentifier(client)] ?? [] }
    func failures(of client: ICEClient) -> [PairFailure] { failures[ObjectIdentifier(client)] ?? [] }

    /// Lets two clients signal to each other, and start.
    func introduce(_ a: ICEClient, _ b: ICEClient) throws {
        try exchangeParameters(a, b)
        for (client, peer) in [(a, b), (b, a)] {
            client.onCandidate = { [weak peer] in peer?.addRemoteCandidate($0) }
            client.gatherCandidates()
            client.processCandidates()
        }
    }

    func exchangeParameters(_ a: ICEClient, _ b: ICEClient) throws {
        try a.setRemoteParameters(b.localParameters)
        try b.setRemoteParameters(a.localParameters)
    }

    func run(
        until clients: [ICEClient], are states: Set<ICEState> = [.connected, .completed],
        atMost limit: Duration = .seconds(10)
    )
        -> Bool
    {
        network.run(until: { clients.allSatisfy { states.contains($0.state) } }, atMost: limit)
    }

    /// A connected call between a new caller on the host and a new client on the port.
    func connect(
        _ host: SimulatedHost, caller: (inout ICEConfiguration) -> Void = { _ in },
        answerer: (inout ICEConfiguration) -> Void = { _ in }
    ) throws -> (caller: ICEClient, answerer: ICEClient) {
        let call = (caller: self.caller(on: host, caller), answerer: try self.answerer(answerer))
        try introduce(call.caller, call.answerer)
        _ = run(until: [call.caller, call.answerer])
        return call
    }

    /// Whether a text reaches the other side of a call, each way.
    func talks(_ call: (caller: ICEClient, answerer: ICEClient)) throws -> Bool {
        let (before, after) = (texts(of: call.caller).count, texts(of: call.answerer).count)
        try call.caller.send("to the port")
        try call.answerer.send("from the port")
        network.run(for: .milliseconds(200))
        return texts(of: call.caller).count == before + 1 && texts(of: call.answerer).count == after + 1
    }
}
