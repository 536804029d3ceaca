import Foundation
import ICE

/// The documents of a call in a Redis server: strings for descriptions, a hash for each collection of candidates.
///
/// Every change is published on the channel of the call, as "changed" and without what has changed: who hears of it reads all documents at once. It
/// subscribes first and reads then, so that nothing falls between the two. No key is ever without a time to live, which is renewed while
/// somebody watches: whatever happens to the processes, nothing stays behind.
final class RedisStore: CallStore {
    private enum Phase { case idle, connecting, open, away }

    private let loop: SharedLoop
    private let server: RedisServer
    private let keys: CallKeys
    private let lifetime: Int
    private var onEvent: ((CallEvent) -> Void)?
    private var phase = Phase.idle
    private var hasBeenOpen = false
    private var untried: [IPAddress] = []
    private var commands: RedisConnection?
    private var news: RedisConnection?
    private var isReading = false
    private var mustReadAgain = false
    private var isOverdue = false
    /// Who waits for the documents to be taken away.
    private var onRemoved: (() -> Void)?
    private lazy var timer = ICE.Timer(on: loop.events) { [unowned self] in timerFired() }

    private static let patience = Duration.seconds(5)
    private static let retryInterval = Duration.milliseconds(500)
    /// Who ends a call does not wait longer than this for a Redis that hangs.
    private static let parting = Duration.seconds(2)

    /// - Parameter lifetime: How many seconds the keys stay when nobody renews them, 3 or more.
    init(on loop: SharedLoop, server: RedisServer, keys: CallKeys, lifetime: Int) {
        self.loop = loop
        self.server = server
        self.keys = keys
        self.lifetime = lifetime
        // hiredis writes to sockets that may be closed, which is an error to be told and no reason to die.
        _ = signal(SIGPIPE, SIG_IGN)
    }

    func watch(onEvent: @escaping (CallEvent) -> Void) {
        self.onEvent = onEvent
        connect()
    }

    func claim(sign: String) {
        write([["SET", keys.sign, sign, "NX", "EX", "\(lifetime)"], ["PUBLISH", keys.sign, "changed"]])
    }

    func put(_ description: String?, candidates: [String: String], of side: Side) {
        var words: [[String]] = []
        if let description { words.append(["SET", keys.description(of: side), description, "EX", "\(lifetime)"]) }
        words.append(["DEL", keys.candidates(of: side)])
        if !candidates.isEmpty {
            words.append(["HSET", keys.candidates(of: side)] + candidates.flatMap { [$0.key, $0.value] })
            words.append(["EXPIRE", keys.candidates(of: side), "\(lifetime)"])
        }
        write(words)
    }

    func add(_ candidate: String, id: String, of side: Side) {
        let key = keys.candidates(of: side)
        write([["HSET", key, id, candidate], ["EXPIRE", key, "\(lifetime)"]])
    }

    /// Where Redis is away, the keys are left to expire.
    func remove(sign: Bool, lastWord: String, onDone: @escaping () -> Void) {
        guard phase == .open, let commands else { return loop.events.enqueue(onDone) }
        onRemoved = onDone
        timer.start(after: Self.parting)
        let doomed = keys.documents + (sign ? [keys.sign] : [])
        commands.send(["MULTI"])
        commands.send(["DEL"] + doomed)
        commands.send(["PUBLISH", keys.call, lastWord])
        commands.send(["EXEC"]) { [weak self] _ in self?.removed() }
    }

    private func removed() {
        let onDone = onRemoved
        onRemoved = nil
        onDone?()
    }

    func close() {
        onEvent = nil
        phase = .idle
        disconnect()
        timer.close()
    }

    // MARK: - Connections

    private func connect() {
        phase = .connecting
        timer.start(after: Self.patience)
        loop.events.resolve(server.host) { [weak self] result in
            guard let self, phase == .connecting else { return }
            switch result {
            case .success(let addresses):
                untried = addresses
                tryNext()
            case .failure(let error): lost("\(error)")
            }
        }
    }

    private func tryNext() {
        guard !untried.isEmpty else { return }
        do {
            try open(TransportAddress(untried.removeFirst(), port: server.port))
        } catch {
            lost(error.description)
        }
    }

    /// One connection for commands, and one for news: what has subscribed takes no other command.
    private func open(_ address: TransportAddress) throws(RoomError) {
        commands = try RedisConnection(on: loop, to: address) { [weak self] event in
            guard let self else { return }
            switch event {
            case .opened: knock()
            case .closed(let reason): lost(reason)
            default: break
            }
        }
        news = try RedisConnection(on: loop, to: address) { [weak self] event in
            guard let self else { return }
            switch event {
            case .opened: news?.subscribe(to: [keys.call, keys.sign])
            case .subscribed: read()
            case .message("changed"): read()
            case .message(let lastWord): onEvent?(.ended(lastWord: lastWord))
            case .closed(let reason): lost(reason)
            }
        }
    }

    /// A server that wants a password says so here; hiredis drops what a subscription is refused with.
    private func knock() {
        commands?.send(["PING"]) { [weak self, weak commands] reply in
            guard let self, commands != nil, commands === self.commands, case .error(let reason) = reply else { return }
            lost(reason)
        }
    }

    private func disconnect() {
        commands?.close()
        news?.close()
        (commands, news) = (nil, nil)
        (isReading, mustReadAgain, isOverdue) = (false, false, false)
    }

    private func lost(_ reason: String) {
        guard phase != .idle else { return }
        let wasOpen = phase == .open
        disconnect()
        if onRemoved != nil { return removed() }
        if phase == .connecting, !untried.isEmpty { return tryNext() }
        phase = .away
        timer.start(after: Self.retryInterval)
        if !hasBeenOpen { onEvent?(.failed(reason: "Redis at \(server) is of no use: \(reason)")) }
        if wasOpen { onEvent?(.away(reason: reason)) }
    }

    private func timerFired() {
        if onRemoved != nil { return removed() }
        switch phase {
        case .idle: break
        case .connecting: lost("no answer for \(Self.patience)")
        case .away: connect()
        case .open where isOverdue: lost("no answer any more")
        case .open:
            // A process that was held up itself finds the answer behind its timer.
            isOverdue = isReading
            renew()
        }
    }

    // MARK: - Reading and writing

    /// Reads all documents; what is published meanwhile has them read once more.
    private func read() {
        guard !isReading else {
            mustReadAgain = true
            return
        }
        isReading = true
        let looks =
            [["GET", keys.sign]] + Side.allCases.map { ["GET", keys.description(of: $0)] }
            + Side.allCases.map { ["HGETALL", keys.candidates(of: $0)] }
        transact(looks) { [weak self] replies in self?.took(replies) }
    }

    private func took(_ replies: [RedisReply]) {
        (isReading, isOverdue) = (false, false)
        guard replies.count == 5 else { return }
        var snapshot = CallSnapshot(sign: replies[0].string)
        for (index, side) in Side.allCases.enumerated() {
            snapshot.descriptions[side] = replies[1 + index].string
            snapshot.candidates[side] = replies[3 + index].dictionary
        }
        if phase == .open {
            onEvent?(.changed(snapshot))
        } else {
            (phase, hasBeenOpen) = (.open, true)
            renew()
            onEvent?(.opened(snapshot))
        }
        if mustReadAgain {
            mustReadAgain = false
            read()
        }
    }

    /// Renews the keys, and looks whether Redis is there and nothing was missed.
    private func renew() {
        timer.start(after: .seconds(lifetime) / 3)
        for key in keys.all { commands?.send(["EXPIRE", key, "\(lifetime)"]) }
        read()
    }

    private func write(_ words: [[String]]) {
        guard phase == .open else { return }
        transact(words + [["PUBLISH", keys.call, "changed"]]) { _ in }
    }

    /// Does all or nothing.
    private func transact(_ words: [[String]], onReplies: @escaping ([RedisReply]) -> Void) {
        guard let commands else { return }
        for command in [["MULTI"]] + words { commands.send(command) }
        commands.send(["EXEC"]) { [weak self, weak commands] reply in
            guard let self, commands != nil, commands === self.commands else { return }
            switch reply {
            case .array(let replies): onReplies(replies)
            case .error(let message): lost(message)
            default: lost("a transaction was answered with \(reply)")
            }
        }
    }
}

extension RedisReply {
    fileprivate var string: String? {
        if case .text(let text) = self { text } else { nil }
    }

    /// A hash: names and values by turns.
    fileprivate var dictionary: [String: String] {
        guard case .array(let parts) = self else { return [:] }
        let texts = parts.compactMap(\.string)
        return Dictionary(
            stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0], texts[$0 + 1]) }, uniquingKeysWith: { $1 })
    }
}
