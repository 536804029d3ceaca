import ICE

/// One side of a call: signals what its client finds out, tells what happens, and pings the other side or answers its pings.
final class Agent {
    /// Takes what the peer is to be told.
    var onSignal: ((Signal) -> Void)?
    var onStateChange: (() -> Void)?
    private(set) var isOver = false
    private(set) var failure: String?
    private(set) var hasHeardOfPeer = false

    private let loop: EventLoop
    private let name: String
    private let client: ICEClient
    private let startedAt: Instant
    private lazy var timer = Timer(on: loop) { [unowned self] in ping() }
    private var pingSentAt: Instant?
    private var pongs = 0
    /// How many pings of the other side have come here.
    private var answers = 0

    private static let pings = 5
    /// Datagrams may be lost: a ping that is not answered within this time is sent again.
    private static let patience = Duration.milliseconds(200)

    init(loop: EventLoop, role: Role) {
        self.loop = loop
        name = role == .controlling ? "caller" : "callee"
        var configuration = ICEConfiguration(role: role)
        configuration.includesLoopback = true
        client = ICEClient(loop: loop, configuration: configuration)
        startedAt = loop.now
        listen()
    }

    var state: ICEState { client.state }
    var role: Role { client.role }

    /// Signals the parameters, then the candidates as they are found.
    func start() {
        onSignal?(.parameters(client.localParameters))
        client.gatherCandidates()
        client.processCandidates()
    }

    /// Takes what the peer signals; its candidates may come before its parameters.
    func hear(_ signal: Signal) {
        hasHeardOfPeer = true
        do {
            switch signal {
            case .parameters(let parameters): try client.setRemoteParameters(parameters)
            case .candidate(let candidate): try client.addRemoteCandidate(candidate)
            // Who pings ends the call, and only when he has done that.
            case .goodbye:
                if role == .controlled, answers >= Self.pings {
                    isOver = true
                } else {
                    say("passes over a goodbye before its time")
                }
            }
        } catch {
            // Nobody is asked who he is: it may be somebody else's. Without the peer's there will be no connection, which is told.
            say("passes over what is of no use: \(error)")
        }
    }

    /// Begins to ping: one ping after the other, each when the one before is answered.
    func beginPings() {
        if pingSentAt == nil { ping() }
    }

    func fail(_ reason: String) {
        if !isOver, failure == nil { failure = reason }
    }

    func close() {
        timer.close()
        client.close()
    }

    private func listen() {
        client.onCandidate = { [unowned self] candidate in
            say(candidate.map { "has   \($0)" } ?? "has   no more candidates")
            onSignal?(.candidate(client.signalled(candidate)))
        }
        client.onPairNominated = { [unowned self] pair in say("chose \(pair)") }
        client.onPairFailed = { [unowned self] pair, reason in say("lost  \(pair): \(reason)") }
        client.onStateChange = { [unowned self] state in
            say("is    \(state)")
            if let reason = client.failure { fail(reason.description) }
            onStateChange?()
        }
        client.onData = { [unowned self] bytes, _ in
            if role == .controlling { return receivedPong(bytes) }
            answers += 1
            try? client.send(bytes)
        }
    }

    private func ping() {
        do {
            pingSentAt = loop.now
            timer.start(after: Self.patience)
            try client.send("ping \(pongs + 1)")
        } catch {
            fail(error.description)
        }
    }

    private func receivedPong(_ bytes: Span<UInt8>) {
        let text = String(decoding: [UInt8](copying: bytes), as: UTF8.self)
        // The answer to a ping that was sent twice may come twice.
        guard let sentAt = pingSentAt, !isOver, text == "ping \(pongs + 1)" else { return }
        say("got   \(text) back after \(rounded((loop.now - sentAt).milliseconds, digits: 3)) ms")
        pongs += 1
        if pongs < Self.pings {
            ping()
        } else {
            timer.stop()
            isOver = true
            onSignal?(.goodbye)
        }
    }

    func say(_ text: String) {
        let elapsed = rounded((loop.now - startedAt).milliseconds, digits: 1)
        show("\(String(repeating: " ", count: max(0, 7 - elapsed.count)))\(elapsed) ms  \(name) \(text)")
    }

    private func rounded(_ value: Double, digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        return "\((value * scale).rounded() / scale)"
    }
}
