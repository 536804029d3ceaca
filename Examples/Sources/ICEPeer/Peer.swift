import ICE
import Logging

/// An ICE client behind JSON lines.
final class Peer {
    struct Options {
        var trickles = true
        var echoes = false
        var onlyCounts = false
        var sendsBatches = false
        var trace: TraceFile?
    }

    private let loop: EventLoop
    private let port: SharedPort?
    private let client: ICEClient
    private let options: Options
    private let restartsByItself: Bool
    private let counter: ReceiveCounter
    private var stream: Stream?
    private var held: [Candidate] = []
    /// How many credentials have been told that the other agent has not answered yet; all but the last answer are of no use any more.
    private var awaitedAnswers = 0

    init(
        loop: EventLoop, port: SharedPort?, configuration: ICEConfiguration, options: Options, logger: Logger?
    ) throws {
        self.loop = loop
        self.port = port
        self.options = options
        restartsByItself = configuration.restartsByItself
        client =
            if let port { try ICEClient(port: port, configuration: configuration, logger: logger) } else {
                ICEClient(loop: loop, configuration: configuration, logger: logger)
            }
        counter = ReceiveCounter(loop: loop)
        listen()
    }

    func start() {
        awaitedAnswers += 1
        showCredentials()
        client.gatherCandidates()
        client.processCandidates()
    }

    private func showCredentials() {
        let parameters = client.localParameters
        var line = OutgoingLine("credentials")
        line.ufrag = parameters.usernameFragment
        line.pwd = parameters.password
        line.options = parameters.options
        line.lite = parameters.isLite
        line.pacing = parameters.pacingInterval.map { Int($0.milliseconds) }
        line.write()
    }

    /// Begins a new generation; its candidates follow the new credentials.
    private func restart() {
        held = []
        client.restart()
        showCredentials()
    }

    func close() {
        client.close()
        port?.close()
        counter.close()
        stream?.close()
        var line = OutgoingLine("state")
        line.state = ICEState.closed.rawValue
        line.write()
    }

    // MARK: From the client

    private func listen() {
        client.onCandidate = { [unowned self] candidate in show(candidate) }
        client.onCandidateRemoved = { candidate in
            var line = OutgoingLine("candidate-removed")
            line.candidate = candidate.description
            line.write()
        }
        client.onRestartNeeded = { [unowned self] reason in
            var line = OutgoingLine("restart-needed")
            line.reason = reason.description
            line.write()
            // For a better path alone it does not restart by itself.
            guard restartsByItself, reason.code != .betterPath else { return }
            awaitedAnswers += 1
            showCredentials()
        }
        client.onCandidateError = { error in
            var line = OutgoingLine("candidate-error")
            line.url = error.url
            line.code = error.errorCode
            line.message = error.errorText
            line.write()
        }
        client.onStateChange = { [unowned self] state in
            var line = OutgoingLine("state")
            line.state = state.rawValue
            line.reason = client.failure?.description
            line.write()
        }
        client.onSelectedPairChange = { pair in
            var line = OutgoingLine("selected")
            line.local = pair.local.description
            line.remote = pair.remote.description
            line.write()
        }
        client.onPairFailed = { pair, reason in
            var line = OutgoingLine("pair-failed")
            line.local = pair.local.description
            line.remote = pair.remote.description
            line.reason = reason.description
            line.write()
        }
        client.onData = { [unowned self] bytes, _ in receive(bytes) }
        // It outlives the client's end by a turn.
        if let trace = options.trace { client.onTrace = { trace.write($0) } }
    }

    private func show(_ candidate: Candidate?) {
        if let candidate, !options.trickles {
            held.append(candidate)
            return
        }
        for candidate in held + (candidate.map { [$0] } ?? []) {
            var line = OutgoingLine("candidate")
            line.candidate = candidate.description
            line.write()
        }
        held = []
        if candidate == nil { OutgoingLine("end-of-candidates").write() }
    }

    private func receive(_ bytes: Span<UInt8>) {
        if options.onlyCounts {
            counter.count(bytes.count)
        } else {
            var line = OutgoingLine("data")
            line.data = String(decoding: [UInt8](copying: bytes), as: UTF8.self)
            line.write()
        }
        // An echo that the socket does not take is lost like any datagram.
        if options.echoes { try? client.send(bytes) }
    }

    // MARK: To the client

    /// Does what a line asks for; false when it asks to end.
    func handle(_ text: String) -> Bool {
        guard text.contains(where: { !$0.isWhitespace }) else { return true }
        do {
            let line = try IncomingLine(text)
            guard line.type != "close" else { return false }
            try handle(line)
        } catch let error as DecodingError {
            OutgoingLine.error("not a message: \(error.inWords)").write()
        } catch {
            OutgoingLine.error("\(error)").write()
        }
        return true
    }

    private func handle(_ line: IncomingLine) throws {
        switch line.type {
        // What another agent of this kind tells whoever runs it: its output may be piped here as it is.
        case "state", "selected", "data", "stats", "pair-failed", "candidate-error", "candidate-removed",
            "restart-needed", "error":
            break
        // So is the answer to this, which has a transport in it.
        case "statistics" where line.transport != nil:
            break
        case "statistics":
            StatisticsLine(client.statistics()).write()
        case "credentials":
            let parameters = try ICEParameters(
                usernameFragment: line.ufrag ?? "", password: line.pwd ?? "", options: line.options ?? [],
                isLite: line.lite ?? false, pacingInterval: line.pacing.map { .milliseconds(max(0, min($0, 10_000))) })
            if awaitedAnswers > 0 {
                awaitedAnswers -= 1
                guard awaitedAnswers == 0 else { return }
            } else if client.remoteParameters?.credentials != parameters.credentials {
                // They were not asked for: the other agent has restarted, which is answered by a restart.
                restart()
            }
            try client.setRemoteParameters(parameters)
        case "candidate":
            guard let candidate = line.candidate else { throw BadLine(description: "candidate needs a candidate") }
            try client.addRemoteCandidate(candidate)
        case "end-of-candidates":
            client.addRemoteCandidate(nil)
        case "restart":
            awaitedAnswers += 1
            restart()
        case "send":
            guard let data = line.data else { throw BadLine(description: "send needs data") }
            try client.send(data)
        case "stream":
            guard stream == nil else { throw BadLine(description: "the stream has begun already") }
            let interval = line.interval ?? 20
            guard 1...10_000 ~= interval else {
                throw BadLine(description: "stream takes an interval from 1 to 10000 ms")
            }
            stream = Stream(client: client, loop: loop, interval: .milliseconds(interval))
        case "bench":
            guard let bytes = line.bytes, let count = line.count, 0...65507 ~= bytes, count > 0 else {
                throw BadLine(description: "bench needs bytes from 0 to 65507 and a count above 0")
            }
            Bench(client: client, loop: loop, size: bytes, count: count, isBatched: options.sendsBatches).run()
        default:
            throw BadLine(description: "there is no message of type \(line.type.prefix(80))")
        }
    }
}

extension DecodingError {
    /// The fault without the machinery around it.
    fileprivate var inWords: String {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            (context.codingPath.map(\.stringValue) + [context.debugDescription]).joined(separator: ": ")
        case .keyNotFound(let key, _): "\(key.stringValue) is missing"
        @unknown default: "\(self)"
        }
    }
}
