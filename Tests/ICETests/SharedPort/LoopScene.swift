import ICE

/// A port on the loopback interface, and calls to it, all on one loop.
final class LoopScene {
    /// A call, and what either side has heard.
    final class Call {
        let caller: ICEClient
        let answerer: ICEClient
        private(set) var heardByCaller: [String] = []
        private(set) var heardByAnswerer: [String] = []

        init(_ caller: ICEClient, _ answerer: ICEClient) throws {
            (self.caller, self.answerer) = (caller, answerer)
            caller.onData = { [weak self] bytes, _ in self?.heardByCaller.append(text(bytes)) }
            answerer.onData = { [weak self] bytes, _ in self?.heardByAnswerer.append(text(bytes)) }
            try caller.setRemoteParameters(answerer.localParameters)
            try answerer.setRemoteParameters(caller.localParameters)
            for (client, peer) in [(caller, answerer), (answerer, caller)] {
                client.onCandidate = { [weak peer] in peer?.addRemoteCandidate($0) }
                client.gatherCandidates()
                client.processCandidates()
            }
        }

        var isConnected: Bool { [caller, answerer].allSatisfy { [.connected, .completed].contains($0.state) } }
    }

    let loop: EventLoop
    let port: SharedPort

    init(on loop: EventLoop? = nil) throws {
        self.loop = try loop ?? EventLoop()
        port = try Self.openPort(on: self.loop)
    }

    static func openPort(on loop: EventLoop) throws -> SharedPort {
        try SharedPort(loop: loop, configuration: SharedPortConfiguration(port: 0, addresses: [.loopback(.v4)]))
    }

    static func configuration(_ role: Role) -> ICEConfiguration {
        var configuration = ICEConfiguration(role: role)
        configuration.includesLoopback = true
        configuration.localAddresses = [.loopback(.v4)]
        configuration.pacing = .server
        return configuration
    }

    /// A call that has begun: to the port, from a port of its own or from another shared one.
    func call(from far: SharedPort? = nil, answerer configure: (inout ICEConfiguration) -> Void = { _ in }) throws
        -> Call
    {
        var configuration = Self.configuration(.controlled)
        configure(&configuration)
        let own = Self.configuration(.controlling)
        let caller =
            if let far { try ICEClient(port: far, configuration: own) } else {
                ICEClient(loop: loop, configuration: own)
            }
        return try Call(caller, ICEClient(port: port, configuration: configuration))
    }

    func run(until condition: () -> Bool) -> Bool { loop.run(until: condition, atMost: .seconds(20)) }

    /// Turns the loop a few times without waiting, for what must not happen.
    func settle() { for _ in 0..<10 { loop.run(.noWait) } }
}

private func text(_ bytes: Span<UInt8>) -> String { String(decoding: [UInt8](copying: bytes), as: UTF8.self) }
