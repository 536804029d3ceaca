import Foundation
import ICE

/// One of the two who call each other: a client, its signalling, and what it tells on standard output.
final class Participant {
    private let name: String
    private let client: ICEClient
    private let room: Room
    private let giveUp: ICE.Timer
    private var isConnected = false
    /// Whether there has been a call at all.
    private(set) var hasBeenConnected = false
    private var unsent: [String] = []
    /// Called when a pair has been chosen, once in every generation.
    var onCall: (() -> Void)?
    var onMessage: ((String) -> Void)?
    private(set) var end: RoomEnd?

    /// How long somebody who is lost is waited for; the store may have been away when the other side ended the call.
    private static let patience = Duration.seconds(30)

    init(side: Side, loop: EventLoop, store: any CallStore, keys: CallKeys, secret: RoomSecret, options: ClientOptions)
    {
        name = side == .offer ? "creator" : "joiner"
        client = ICEClient(loop: loop, configuration: options.configuration(for: side))
        room = Room(
            side: side, keys: keys, secret: secret, client: client, store: store, accepts: options.accepts)
        giveUp = ICE.Timer(on: loop)
        giveUp.onFire = { [unowned self] in
            say("nobody has been there for \(Self.patience)")
            room.leave()
        }
        client.onStateChange = { [unowned self] state in changed(to: state) }
        client.onPairNominated = { [unowned self] pair in
            say("chose \(pair) in the generation \(client.localParameters.usernameFragment)")
            onCall?()
        }
        client.onData = { [unowned self] bytes, _ in
            let text = String(decoding: [UInt8](copying: bytes), as: UTF8.self)
            say("got \(text)")
            onMessage?(text)
        }
        room.onNotice = { [unowned self] notice in say(notice) }
        room.onEnd = { [unowned self] end in
            giveUp.close()
            say(end.inWords)
            self.end = end
        }
    }

    func enter() { room.enter() }
    func restart() { room.restart() }
    func leave() { room.leave() }

    /// Sends a text, as soon as there is a path; on the way it may get lost, as datagrams do.
    func send(_ text: String) {
        guard isConnected else { return unsent.append(text) }
        do {
            try client.send(text)
        } catch {
            say("can't send: \(error)")
        }
    }

    private func changed(to state: ICEState) {
        let wasConnected = isConnected
        isConnected = state == .connected || state == .completed
        say("is \(state)\(client.failure.map { ": \($0)" } ?? "")")
        if wasConnected, !isConnected, state != .closed { giveUp.start(after: Self.patience) }
        guard isConnected else { return }
        hasBeenConnected = true
        giveUp.stop()
        let texts = unsent
        unsent = []
        for text in texts { send(text) }
    }

    private func say(_ text: String) { tell("\(name) \(text)") }
}

/// Writes a line to standard output at once, also where that is a pipe.
func tell(_ line: String) {
    // Nobody reading any more is no reason to stop.
    try? FileHandle.standardOutput.write(contentsOf: Data("\(line.printable)\n".utf8))
}

extension String {
    /// Without control characters: what comes from the network must not steer the terminal.
    fileprivate var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.filter { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: false
                    default: true
                    }
                }))
    }
}

extension RoomEnd {
    fileprivate var inWords: String {
        switch self {
        case .left: "has left: the call is over"
        case .endedByOther: "hears that the other side has ended the call"
        case .failed(let error): "gives up: \(error)"
        }
    }
}
