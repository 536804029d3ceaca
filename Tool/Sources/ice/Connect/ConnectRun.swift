import ICE

/// One side of a connection: gathers, exchanges lines, connects, measures, and takes its leave.
final class ConnectRun {
    struct Plan {
        /// How many pings; nil for as many as there is time for.
        var pings: Int?
        var interval = Duration.milliseconds(200)
        /// How many seconds throughput is measured for, each way.
        var throughput: Double?
        /// How long the other side is waited for, once its line is here.
        var timeout = Duration.seconds(300)
    }

    let client: ICEClient
    let loop: EventLoop
    let console: Console
    private let plan: Plan
    let signalling: any Signalling
    let pinger: Pinger
    /// When it began, or when the other side's line came.
    private var start: Instant
    var invitation: Invitation?
    var peer: Invitation?
    var measurement: Measurement?
    private var fault: Fault?
    private var pathChanges = -1
    private var path: PathFinding?
    var connectedAt: Instant?
    private var isPeerDone = false
    /// When people were last told how far things are.
    var lastShown = 0.0
    var isLeaving = false
    private(set) var isOver = false

    init(client: ICEClient, loop: EventLoop, console: Console, signalling: any Signalling, plan: Plan) {
        self.client = client
        self.loop = loop
        self.console = console
        self.signalling = signalling
        self.plan = plan
        start = loop.now
        pinger = Pinger(client: client, loop: loop, interval: plan.interval, count: plan.pings)
        listen()
    }

    func run() -> ConnectSummary {
        let clock = ICE.Timer(on: loop) { [unowned self] in tick() }
        clock.start(after: .zero, repeating: .milliseconds(100))
        client.gatherCandidates()
        while !isOver, loop.run(.once) {}
        for closing in [clock.close, pinger.close, signalling.close, client.close] { closing() }
        measurement?.close()
        let works = fault == nil && pinger.trips.received > 0
        if !works, fault == nil { fault = Fault("unanswered", "no ping came back") }
        let summary = ConnectSummary(
            works: works, path: path.map { "\($0.local) - \($0.remote)" }, relayed: path?.relayed,
            pathChanges: max(0, pathChanges), sent: pinger.trips.sent, received: pinger.trips.received,
            loss: pinger.loss, roundTrip: pinger.trips.times, fault: fault)
        console.tell(summary)
        return summary
    }

    var hasConnected: Bool { connectedAt != nil }

    var elapsed: Double { (loop.now - start).roundedMilliseconds }

    // MARK: Signalling

    private func listen() {
        client.onCandidate = { [unowned self] candidate in if candidate == nil { publish() } }
        client.onCandidateError = { [unowned self] error in
            console.tell(ServerErrorFinding(error, milliseconds: elapsed))
        }
        client.onStateChange = { [unowned self] state in stateChanged(to: state) }
        client.onSelectedPairChange = { [unowned self] pair in
            pathChanges += 1
            path = PathFinding(pair, milliseconds: elapsed)
            console.tell(path!)
        }
        client.onData = { [unowned self] bytes, _ in
            if let datagram = Datagram(bytes) { receive(datagram, byteCount: bytes.count) }
        }
        pinger.onAnswer = { [unowned self] number, milliseconds in
            console.tell(PingFinding(number: number, milliseconds: milliseconds))
            measurement?.begin()
        }
        signalling.onLine = { [unowned self] line in take(line) }
    }

    private func publish() {
        let invitation = Invitation(
            parameters: client.localParameters, candidates: client.localCandidates.map(\.description),
            pings: plan.pings, throughput: plan.throughput
        ).fitting()
        guard !invitation.candidates.isEmpty else {
            return end(Fault("no-candidates", "no candidates were found", advice: "ask ice gather why"))
        }
        self.invitation = invitation
        console.tell(InvitationFinding(line: invitation.line, isPasted: signalling is PastedLines))
        do {
            try signalling.publish(invitation.line)
            if let place = signalling.place { console.say("waiting in \(place) for the other side") }
        } catch {
            end(error.fault)
        }
    }

    private func take(_ line: String?) {
        guard peer == nil else { return }
        guard let line else {
            return end(Fault("no-line", "the input ended without the other side's line"))
        }
        guard !line.allSatisfy(\.isWhitespace) else { return }
        do {
            let peer = try Invitation(line: line)
            guard peer.parameters.credentials != invitation?.parameters.credentials else { throw BadInvitation.ownLine }
            try client.setRemoteParameters(peer.parameters)
            self.peer = peer
            start = loop.now
            signalling.accept()
            prepareMeasurement(with: peer)
            for candidate in peer.candidates { try? client.addRemoteCandidate(candidate) }
            client.addRemoteCandidate(nil)
            client.processCandidates()
        } catch {
            console.tell(FaultFinding(fault: Fault("bad-line", "\(error)")))
        }
    }

    // MARK: Measuring

    /// However long the other side wants it.
    static let longestThroughput = 60.0

    private func prepareMeasurement(with peer: Invitation) {
        guard let seconds = [plan.throughput, peer.throughput].compactMap({ $0 }).max() else { return }
        // One after the other, as both at once would share a path; both sides know who is first.
        let isFirst = client.localParameters.usernameFragment < peer.parameters.usernameFragment
        measurement = Measurement(
            client: client, loop: loop, duration: .seconds(min(max(seconds, 0), Self.longestThroughput)),
            isFirst: isFirst,
            pinger: pinger)
        measurement?.onResult = { [unowned self] in console.tell($0) }
    }

    private func stateChanged(to state: ICEState) {
        let failure = client.failure.map { Fault("\($0.code)", $0.message) }
        console.tell(StateFinding(state: state.rawValue, fault: failure, milliseconds: elapsed))
        switch state {
        case .connected, .completed:
            if connectedAt == nil { connectedAt = loop.now }
            pinger.start()
        case .failed: end(hasConnected ? failure : failure.map { Fault($0.name, $0.message, advice: doubt) })
        default: break
        }
    }

    private func receive(_ datagram: Datagram, byteCount: Int) {
        switch datagram {
        case .ping(let number): try? client.send(Datagram.pong(number).bytes())
        case .pong(let number): pinger.hear(number)
        case .load, .receipt, .loadEnded: measurement?.receive(datagram, byteCount: byteCount)
        case .done: isPeerDone = true
        case .bye:
            if !isLeaving, !isDone { console.say("the other side has left") }
            isOver = true
        }
    }

    // MARK: Time

    /// Whether this side has measured what it wanted.
    private var isDone: Bool { hasConnected && pinger.isDone && measurement?.isDone ?? true }

    private func tick() {
        measurement?.advance()
        if let connectedAt, pinger.trips.received == 0, loop.now - connectedAt >= plan.timeout {
            end(Fault("unanswered", "the path is there, but no ping came back over it"))
        }
        if isDone, !isLeaving {
            // A side that pings without end is not waited for.
            if isPeerDone || peer?.pings == nil { leave() } else { try? client.send(Datagram.done.bytes()) }
        }
        if isLeaving { sayGoodbye() }
        showProgress()
    }

    private var goodbyes = 0

    /// Three of them, as each may be lost.
    private func sayGoodbye() {
        try? client.send(Datagram.bye.bytes())
        goodbyes += 1
        if goodbyes == 3 { isOver = true }
    }

    /// Ends in order: with a word to the other side where there is one.
    func leave() {
        guard !isLeaving else { return }
        guard hasConnected else {
            return end(
                Fault("interrupted", "ended before there was a connection", advice: peer == nil ? nil : doubt))
        }
        isLeaving = true
    }

    private func end(_ fault: Fault?) {
        self.fault = fault
        isOver = true
    }
}
