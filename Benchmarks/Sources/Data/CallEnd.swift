import ICE
import Measuring

/// A client, and its way to the other end's.
final class CallEnd {
    let client: ICEClient
    private let loop: EventLoop
    private let channel: Channel
    private let isSender: Bool

    private static let patience = Duration.seconds(20)

    init(loop: EventLoop, isSender: Bool, options: Options) throws {
        self.loop = loop
        self.isSender = isSender
        channel = Channel(descriptor: options.number("signal"))
        var configuration = ICEConfiguration(role: isSender ? .controlling : .controlled)
        configuration.pacing = .server
        configuration.includesLoopback = true
        configuration.localAddresses = [.loopback(.v4)]
        configuration.multicastDNS = .off
        configuration.coalescesSends = Mode(options) == .coalesced
        // As the bare programs have it.
        configuration.receiveBufferSize = 4 << 20
        if options["transport"] == "tcp" { configuration.transports = .tcp }
        if let relay = options["turn"] {
            configuration.servers = [
                try ICEServer(urls: [relay], username: options["user"], credential: options["password"])
            ]
            configuration.transportPolicy = .relay
        }
        client = ICEClient(loop: loop, configuration: configuration)
    }

    /// Connects the two; false where that takes too long.
    func connect() -> Bool {
        client.gatherCandidates()
        guard loop.run(until: { client.gatheringState == .complete }, atMost: Self.patience) else { return false }
        channel.write([client.localParameters.usernameFragment, client.localParameters.password])
        channel.write(["\(client.localCandidates.count)"] + client.localCandidates.map { "\($0)" })
        takeOffer()
        client.processCandidates()
        return loop.run(until: { client.state == .completed }, atMost: Self.patience)
    }

    private func takeOffer() {
        let head = channel.read(3)
        let candidates = channel.read(Int(head[2]) ?? 0)
        do {
            let credentials = try Credentials(usernameFragment: head[0], password: head[1])
            try client.setRemoteParameters(ICEParameters(credentials: credentials))
            for candidate in candidates { try client.addRemoteCandidate(candidate) }
            client.addRemoteCandidate(nil)
        } catch { Options.refuse("\(error)") }
    }
}
