import ICE

/// A call of two clients in one process, whose signalling is a function call: one pings, the other answers.
@MainActor
final class Call {
    /// Told once how it went.
    var onEnd: ((String) -> Void)?

    private let caller: ICEClient
    private let callee: ICEClient
    private let limit: Timer
    private var hasBegun = false
    private var pongs = 0

    private static let pings = 5
    private static let patience = Duration.seconds(10)

    init(on loop: EventLoop) {
        var configuration = ICEConfiguration(role: .controlling)
        configuration.includesLoopback = true
        caller = ICEClient(loop: loop, configuration: configuration)
        configuration.role = .controlled
        callee = ICEClient(loop: loop, configuration: configuration)
        limit = Timer(on: loop)
        connect(caller, to: callee)
        connect(callee, to: caller)
        caller.onStateChange = { [unowned self] state in
            print("caller is \(state)")
            if let failure = caller.failure { end("there was no call: \(failure)") }
            begin()
        }
        callee.onStateChange = { [unowned self] _ in begin() }
        callee.onData = { [unowned self] bytes, _ in try? callee.send(bytes) }
        caller.onData = { [unowned self] bytes, _ in
            print("caller got \(String(decoding: [UInt8](copying: bytes), as: UTF8.self)) back")
            pongs += 1
            if pongs < Self.pings { ping() } else { end("\(pongs) pings came back") }
        }
        limit.onFire = { [unowned self] in end("the pings did not come back in time") }
    }

    private func connect(_ client: ICEClient, to peer: ICEClient) {
        client.onCandidate = { [unowned peer] candidate in peer.addRemoteCandidate(candidate) }
    }

    func start() {
        limit.start(after: Self.patience)
        do {
            try caller.setRemoteParameters(callee.localParameters)
            try callee.setRemoteParameters(caller.localParameters)
        } catch {
            return end("\(error)")
        }
        for client in [caller, callee] {
            client.gatherCandidates()
            client.processCandidates()
        }
    }

    /// Pings once either side can send.
    private func begin() {
        guard !hasBegun, caller.state == .completed, callee.state == .completed else { return }
        hasBegun = true
        ping()
    }

    private func ping() { try? caller.send("ping \(pongs + 1)") }

    private func end(_ report: String) {
        onEnd?(report)
        onEnd = nil
    }

    func close() {
        limit.close()
        caller.close()
        callee.close()
    }
}
