import ICE
import Measuring

/// Calls whose both ends are in this process, all begun at once. With a port the answering ends share it.
final class PairedCalls {
    let clients: [ICEClient]
    private let loop: EventLoop
    private let watch: Stopwatch
    private var connected = 0

    private static let patience = Duration.seconds(60)

    init(loop: EventLoop, count: Int, port: SharedPort? = nil) throws {
        self.loop = loop
        watch = Stopwatch()
        clients = try (0..<2 * count).map { index in
            if index.isMultiple(of: 2) { return ICEClient(loop: loop, configuration: .measured(role: .controlling)) }
            let configuration = ICEConfiguration.measured(role: .controlled)
            guard let port else { return ICEClient(loop: loop, configuration: configuration) }
            return try ICEClient(port: port, configuration: configuration)
        }
    }

    /// Connects all; false where that takes too long.
    func connect() -> Bool {
        for index in stride(from: 0, to: clients.count, by: 2) {
            join(clients[index], clients[index + 1])
            join(clients[index + 1], clients[index])
        }
        for client in clients {
            client.gatherCandidates()
            client.processCandidates()
        }
        guard loop.run(until: { connected == clients.count }, atMost: Self.patience) else { return false }
        ResultLine("connected").with("count", clients.count).with("seconds", watch.seconds).write()
        return true
    }

    private func join(_ client: ICEClient, _ peer: ICEClient) {
        client.onCandidate = { [unowned peer] in peer.addRemoteCandidate($0) }
        client.onStateChange = { [unowned self] state in if state == .connected { connected += 1 } }
        do { try client.setRemoteParameters(peer.localParameters) } catch { Options.refuse("\(error)") }
    }
}
