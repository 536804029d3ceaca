import ICE
import ICETesting

/// Two clients on two simulated hosts, with signalling that takes its time.
final class SimulatedCall {
    let network: SimulatedNetwork
    let caller: ICEClient
    let callee: ICEClient
    private(set) var states: [[ICEState]] = [[], []]
    private(set) var nominated: [[CandidatePair]] = [[], []]
    private(set) var failures: [[PairFailure]] = [[], []]
    private(set) var received: [[String]] = [[], []]
    /// When each side first was connected, and first had a nominated pair.
    private(set) var connectedAt: [Instant?] = [nil, nil]
    private(set) var nominatedAt: [Instant?] = [nil, nil]
    /// When the later side had the other's first candidate.
    private(set) var introducedAt: Instant?
    private var introduced: Set<Int> = []
    private let signallingDelay: Duration

    var clients: [ICEClient] { [caller, callee] }

    init(
        _ network: SimulatedNetwork, _ first: SimulatedHost, _ second: SimulatedHost, signallingDelay: Duration = .zero,
        roles: [Role] = [.controlling, .controlled], configure: (inout ICEConfiguration) -> Void = { _ in },
        configureCallee: (inout ICEConfiguration) -> Void = { _ in }
    ) {
        self.network = network
        self.signallingDelay = signallingDelay
        var configuration = ICEConfiguration(role: roles[0])
        configure(&configuration)
        caller = ICEClient(on: first, configuration: configuration)
        configuration.role = roles[1]
        configureCallee(&configuration)
        callee = ICEClient(on: second, configuration: configuration)
        listen(to: 0, signallingTo: callee)
        listen(to: 1, signallingTo: caller)
    }

    private func listen(to index: Int, signallingTo peer: ICEClient) {
        let client = clients[index]
        client.onCandidate = { [weak self, weak peer] candidate in
            self?.signal { [weak self] in
                peer?.addRemoteCandidate(candidate)
                self?.noteIntroduction(of: index)
            }
        }
        client.onStateChange = { [weak self] state in
            guard let self else { return }
            states[index].append(state)
            if state == .connected || state == .completed { connectedAt[index] = connectedAt[index] ?? network.now }
        }
        client.onPairNominated = { [weak self] pair in
            guard let self else { return }
            nominated[index].append(pair)
            nominatedAt[index] = nominatedAt[index] ?? network.now
        }
        client.onPairFailed = { [weak self] _, failure in self?.failures[index].append(failure) }
        client.onData = { [weak self] bytes, _ in
            self?.received[index].append(String(decoding: [UInt8](copying: bytes), as: UTF8.self))
        }
    }

    private func noteIntroduction(of index: Int) {
        if introduced.insert(index).inserted, introduced.count == 2 { introducedAt = network.now }
    }

    /// Hands a message over as the signalling channel would.
    func signal(_ message: @escaping () -> Void) {
        if signallingDelay == .zero { message() } else { network.schedule(after: signallingDelay, message) }
    }

    /// Exchanges credentials and starts both sides.
    func start() {
        for (client, peer) in [(caller, callee), (callee, caller)] {
            let parameters = client.localParameters
            signal { [weak peer] in try? peer?.setRemoteParameters(parameters) }
        }
        for client in clients {
            client.gatherCandidates()
            client.processCandidates()
        }
    }

    /// What an application does that is told to.
    func restart() {
        for client in clients { client.restart() }
        start()
    }

    var isConnected: Bool { clients.allSatisfy { $0.state == .connected || $0.state == .completed } }
    var isCompleted: Bool { clients.allSatisfy { $0.state == .completed } }
    var hasFailed: Bool { clients.allSatisfy { $0.state == .failed } }

    /// Starts both sides and waits until they are connected.
    func connect(atMost limit: Duration = .seconds(60)) -> Bool {
        start()
        return network.run(until: { self.isConnected }, atMost: limit)
    }

    /// Sends a text each way until both have arrived, as over a lossy path.
    func talk(atMost limit: Duration = .seconds(10)) -> Bool {
        let end = network.now + limit
        while network.now < end {
            try? caller.send("from the caller")
            try? callee.send("from the callee")
            let heard = { self.received.allSatisfy { !$0.isEmpty } }
            if network.run(until: heard, atMost: .milliseconds(200)) { return true }
        }
        return false
    }

    /// How long no data arrives at one end, while both ends send every 20 ms and an event happens.
    func gap(at index: Int, atMost limit: Duration, after event: () -> Void) -> Duration {
        event()
        let begin = network.now
        let before = received[index].count
        while network.now - begin < limit {
            for client in clients { try? client.send("on") }
            network.run(for: .milliseconds(20))
            if received[index].count > before + 3 { return network.now - begin }
        }
        return limit
    }

    func close() {
        for client in clients { client.close() }
    }
}
