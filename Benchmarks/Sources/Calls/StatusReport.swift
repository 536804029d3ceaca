import ICE
import Measuring

/// Tells at regular times what the calls cost, and how many of them stand.
final class StatusReport {
    private let loop: EventLoop
    private let clients: [ICEClient]
    private let echoes: Echoes?
    private let timer: Timer
    private let interval: Duration

    /// How long what is under way may take to come back.
    private static let rest = Duration.seconds(1)

    init(loop: EventLoop, options: Options, clients: [ICEClient], echoes: Echoes? = nil) {
        self.loop = loop
        self.clients = clients
        self.echoes = echoes
        interval = options.seconds("interval")
        timer = Timer(on: loop)
        if options["echo"] != nil { echoes?.send(over: clients, every: options.seconds("echo")) }
    }

    /// Runs the loop until SIGTERM.
    func runUntilEnd() {
        timer.onFire = { [unowned self] in tell("status") }
        timer.start(after: interval, repeating: interval)
        while !ThisProcess.hasEnded { _ = loop.run(until: { ThisProcess.hasEnded }, atMost: .seconds(1)) }
        echoes?.stop()
        _ = loop.run(until: { false }, atMost: Self.rest)
        tell("end")
    }

    private func tell(_ type: String) {
        var line = ResultLine(type).with(Usage()).with("usable", clients.count { $0.state.isUsable })
        if let echoes { line = line.with("sent", echoes.sent).with("received", echoes.received) }
        line.write()
    }
}
