import ICE
import Measuring

/// One end of many calls; the other ends are in another process.
///
/// The server's end sends back what it gets. Calls begin in slices, as they do where people call: a slice begins when the one before is
/// connected.
final class CallSide {
    private(set) var clients: [ICEClient] = []
    private let end: CallEnd
    private var gathered = 0
    private var connected = 0
    private var seconds = 0.0

    private static let patience = Duration.seconds(300)

    init(end: CallEnd, count: Int) {
        self.end = end
        clients = (0..<count).map { _ in end.makeClient() }
        for client in clients { prepare(client) }
    }

    /// Signals with the other process and connects all; false where that takes too long.
    func connect() -> Bool {
        for client in clients { client.gatherCandidates() }
        guard end.loop.run(until: { gathered == clients.count }, atMost: Self.patience) else { return false }
        exchangeOffers()

        let watch = Stopwatch()
        for start in stride(from: 0, to: clients.count, by: end.slice) {
            let limit = min(start + end.slice, clients.count)
            for client in clients[start..<limit] { client.processCandidates() }
            guard end.loop.run(until: { connected >= limit }, atMost: Self.patience) else { return false }
        }
        seconds = watch.seconds
        return true
    }

    /// With what it takes to find one of the clients: a stranger may have learned as much.
    func tellConnected() {
        var line = ResultLine("connected").with("count", clients.count).with("seconds", seconds)
        if let client = clients.first, let candidate = client.localCandidates.first {
            line = line.with("ufrag", client.localParameters.usernameFragment).with("port", candidate.address.port)
        }
        line.write()
    }

    func close() {
        for client in clients { client.close() }
    }

    private func prepare(_ client: ICEClient) {
        client.onCandidate = { [unowned self] candidate in if candidate == nil { gathered += 1 } }
        client.onStateChange = { [unowned self] state in if state == .connected { connected += 1 } }
        client.onData = { [unowned echoes = end.echoes, unowned client] bytes, _ in echoes.receive(bytes, on: client) }
    }

    /// One side writes while the other one reads, as neither does both at a time.
    private func exchangeOffers() {
        let own = clients.map { Offer(of: $0).line }
        if end.isServer { end.channel.write(own) }
        let theirs = end.channel.read(clients.count)
        if !end.isServer { end.channel.write(own) }
        for (client, line) in zip(clients, theirs) { take(Offer(line), for: client) }
    }

    private func take(_ offer: Offer, for client: ICEClient) {
        do {
            try client.setRemoteParameters(offer.parameters)
            for candidate in offer.candidates { try client.addRemoteCandidate(candidate) }
            client.addRemoteCandidate(nil)
        } catch { Options.refuse("\(error)") }
    }
}
