import EchoTicket
import ICE

/// All callers: they begin one after the other, then all talk for a while, and then it is told what came of it.
final class Load {
    private let loop: EventLoop
    private let server: TransportAddress
    private let secret: EchoSecret
    private let plan: Plan
    private let madeAt: Instant
    private lazy var timer = Timer(on: loop) { [unowned self] in tick() }

    private var callers: [Caller] = []
    /// How many have begun and not been answered yet.
    private var waiting = 0
    private var connected = 0
    private var lastConnectedAt: Instant?
    private var beganToTalkAt: Instant?
    private var echoed = 0
    private var roundTrips = RoundTrips()
    private var fault: String?
    private(set) var isOver = false

    private static let interval = Duration.milliseconds(10)
    /// How long the last echoes are waited for.
    private static let silence = Duration.seconds(1)
    /// How many may wait for an answer over TCP: a server lets no more connections from one address in at a time that have not shown who
    /// they are. However late a busy machine comes to it, what is due does not begin all at once.
    private static let mostWaiting = 16
    /// Where nobody has got through by then there is nobody to wait for.
    private static let firstAnswer = Duration.seconds(5)

    init(on loop: EventLoop, server: TransportAddress, secret: EchoSecret, plan: Plan) {
        (self.loop, self.server, self.secret, self.plan) = (loop, server, secret, plan)
        madeAt = loop.now
    }

    func start() { timer.start(after: .zero, repeating: Self.interval) }

    /// No step takes longer than this by itself.
    var limit: Duration {
        .seconds(Double(plan.clients) / Double(plan.ramp)) + plan.patience + plan.duration + Self.silence + .seconds(30)
    }

    var hasSucceeded: Bool { connected == plan.clients && echoed > 0 }
    private var sent: Int { callers.reduce(0) { $0 + $1.sent } }

    private func tick() {
        if connected == 0, loop.now - madeAt > min(plan.patience, Self.firstAnswer) {
            fault = Self.nobody(at: server, over: plan.transports)
            isOver = true
        } else if callers.count < plan.clients {
            begin()
        } else if let beganToTalkAt {
            talk(for: loop.now - beganToTalkAt)
        } else if connected == plan.clients || loop.now - madeAt > plan.patience + ramp {
            beganToTalkAt = loop.now
        }
    }

    private static func nobody(at server: TransportAddress, over transports: CandidateTransports) -> String {
        let (transport, option) = transports == .tcp ? ("TCP", " with --tcp") : ("UDP", "")
        return "nobody answers at \(server): look whether echo-server runs there\(option), whether both have the same "
            + "secret, and whether a firewall lets \(transport) to that port through"
    }

    private var ramp: Duration { .seconds(Double(plan.clients) / Double(plan.ramp)) }

    private func begin() {
        let due = min(plan.clients, Int((loop.now - madeAt) / .seconds(1) * Double(plan.ramp)) + 1)
        do {
            while callers.count < due, plan.transports != .tcp || waiting < Self.mostWaiting {
                callers.append(try makeCaller())
            }
        } catch {
            fault = "\(error)"
            isOver = true
        }
    }

    private func makeCaller() throws -> Caller {
        let caller = try Caller(
            on: loop, server: server, over: plan.transports, from: source(), ticket: try secret.drawTicket(),
            size: plan.size)
        waiting += 1
        caller.onAnswer = { [unowned self] in waiting -= 1 }
        caller.onConnect = { [unowned self] in
            connected += 1
            lastConnectedAt = loop.now
        }
        caller.onEcho = { [unowned self] time in
            echoed += 1
            roundTrips.add(time)
        }
        return caller
    }

    /// Callers on the server's own machine come from its loopback addresses, in turns.
    private func source() -> IPAddress? {
        guard server.ip.isLoopback else { return nil }
        guard server.family == .v4 else { return server.ip }
        return IPAddress(v4: 0x7f00_0001 + UInt32(callers.count % plan.addresses))
    }

    /// The callers don't all talk at the same moment.
    private func talk(for elapsed: Duration) {
        let due = min(elapsed, plan.duration) / .seconds(1) * plan.rate
        for (index, caller) in callers.enumerated() {
            caller.send(upTo: Int(due + Double(index) / Double(callers.count)))
        }
        if elapsed >= plan.duration { isOver = echoed >= sent || elapsed >= plan.duration + Self.silence }
    }

    func report() -> String {
        let connecting = ((lastConnectedAt ?? loop.now) - madeAt).milliseconds.rounded() / 1000
        var lines = ["\(connected) of \(plan.clients) connected, within \(connecting) s"]
        let sent = sent
        lines.append("\(sent) datagrams sent, \(echoed) echoed, \(max(0, sent - echoed)) lost; \(roundTrips)")
        let faults = [fault, callers.lazy.compactMap(\.error).first].compactMap(\.self)
        if !hasSucceeded, !faults.isEmpty { lines.append("of what went wrong: \(faults.joined(separator: "; "))") }
        return lines.joined(separator: "\n")
    }

    func close() {
        timer.close()
        for caller in callers { caller.close() }
    }
}
