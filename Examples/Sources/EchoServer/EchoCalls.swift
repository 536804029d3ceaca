import EchoTicket
import ICE

/// The calls of one loop: each is made when somebody knocks who has a ticket, and closed when nobody is there any more.
final class EchoCalls {
    private struct Call {
        let client: ICEClient
        let madeAt: Instant
        /// Whether the caller has been heard of, with the right password.
        var hasBegun: Bool { client.state != .new && client.state != .checking }
    }

    private let loop: EventLoop
    private let port: SharedPort
    private let house: House
    private var calls: [String: Call] = [:]
    private var counts = Counts()

    /// Who has not got through by then does not get through.
    private static let patience = Duration.seconds(10)

    init(on loop: EventLoop, port: SharedPort, house: House) {
        self.loop = loop
        self.port = port
        self.house = house
        port.onUnknownUsername = { [unowned self] check in answer(check) }
    }

    /// Makes a client for a check with a ticket. The check itself is handed to it by the port, and answered.
    private func answer(_ check: UnknownUsername) {
        let name = check.usernameFragment
        guard let ticket = house.secret.ticket(of: check) else { return counts.refused += 1 }
        guard calls.count < house.callsPerLoop else { return counts.crowded += 1 }
        guard house.take(name) else { return counts.elsewhere += 1 }
        var configuration = ICEConfiguration(role: .controlled)
        configuration.localCredentials = ticket.server
        configuration.isLite = house.isLite
        configuration.pacing = .server
        configuration.multicastDNS = .off
        if house.takesConnections { configuration.transports = [.udp, .tcp] }
        // What comes in one piece goes back in one piece.
        configuration.coalescesSends = true
        (configuration.maximumCandidatePairs, configuration.maximumRemoteCandidates) = (16, 16)
        do {
            let client = try ICEClient(port: port, configuration: configuration)
            client.onData = { [unowned self, unowned client] bytes, _ in echo(bytes, to: client) }
            client.onStateChange = { [unowned self] state in if state == .failed { close(name) } }
            try client.setRemoteParameters(ICEParameters(credentials: ticket.caller, options: ["ice2", "trickle"]))
            client.gatherCandidates()
            client.processCandidates()
            calls[name] = Call(client: client, madeAt: loop.now)
            counts.made += 1
        } catch {
            house.give(back: name)
            counts.refused += 1
        }
    }

    private func echo(_ bytes: Span<UInt8>, to client: ICEClient) {
        do {
            try client.send(bytes)
            counts.echoed += 1
        } catch {
            // The socket is full, or the caller gone: a datagram may be lost.
            counts.dropped += 1
        }
    }

    /// Closes the calls that have not come about; those that have fail by themselves once their caller is gone.
    func sweep() {
        let tooOld = loop.now - Self.patience
        for (name, call) in calls where call.madeAt < tooOld && !call.hasBegun { close(name) }
    }

    /// What has happened so far.
    func report() -> Counts {
        counts.open = calls.count
        return counts
    }

    private func close(_ name: String) {
        guard let call = calls.removeValue(forKey: name) else { return }
        call.client.close()
        house.give(back: name)
    }

    func close() {
        for name in calls.keys { close(name) }
        port.close()
    }
}
