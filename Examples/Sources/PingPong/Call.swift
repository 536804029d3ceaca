import ICE

/// The signalling between two clients, which here is a function call, and what they say to each other.
final class Call {
    private let loop: EventLoop
    private let caller: ICEClient
    private let callee: ICEClient
    private let startedAt: Instant
    private var pingSentAt: Instant?
    private var pongs = 0
    private(set) var failure: String?

    private static let pings = 5

    init(loop: EventLoop, caller: ICEClient, callee: ICEClient) {
        self.loop = loop
        self.caller = caller
        self.callee = callee
        startedAt = loop.now
        introduce(caller, as: "caller", to: callee)
        introduce(callee, as: "callee", to: caller)
        caller.onData = { [unowned self] bytes, _ in receivedPong(bytes) }
        callee.onData = { [unowned self] bytes, _ in try? self.callee.send(bytes) }
    }

    var isOver: Bool { pongs == Self.pings || failure != nil }

    func start() throws {
        try caller.setRemoteParameters(callee.localParameters)
        try callee.setRemoteParameters(caller.localParameters)
        for client in [caller, callee] {
            client.gatherCandidates()
            client.processCandidates()
        }
    }

    private func introduce(_ client: ICEClient, as name: String, to peer: ICEClient) {
        client.onCandidate = { [unowned self, unowned peer] candidate in
            say(name, candidate.map { "has   \($0)" } ?? "has   no more candidates")
            peer.addRemoteCandidate(candidate)
        }
        client.onPairNominated = { [unowned self] pair in say(name, "chose \(pair)") }
        client.onPairFailed = { [unowned self] pair, reason in say(name, "lost  \(pair): \(reason)") }
        client.onStateChange = { [unowned self, unowned client] state in
            say(name, "is    \(state)")
            if state == .failed { failure = client.failure?.description }
            if pingSentAt == nil, caller.state == .completed, callee.state == .completed { ping() }
        }
    }

    private func ping() {
        do {
            pingSentAt = loop.now
            try caller.send("ping \(pongs + 1)")
        } catch {
            failure = error.description
        }
    }

    private func receivedPong(_ bytes: Span<UInt8>) {
        guard let sentAt = pingSentAt else { return }
        let text = String(decoding: [UInt8](copying: bytes), as: UTF8.self)
        say("caller", "got   \(text) back after \(rounded((loop.now - sentAt).milliseconds, digits: 3)) ms")
        pongs += 1
        if !isOver { ping() }
    }

    private func say(_ name: String, _ text: String) {
        let elapsed = rounded((loop.now - startedAt).milliseconds, digits: 1)
        print("\(String(repeating: " ", count: max(0, 7 - elapsed.count)))\(elapsed) ms  \(name) \(text)")
    }

    private func rounded(_ value: Double, digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        return "\((value * scale).rounded() / scale)"
    }
}
