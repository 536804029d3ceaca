import ICE

/// A whole call in one process: the joiner is there before the room, they talk, either side restarts, and the creator ends it.
final class Demonstration {
    private let loop: EventLoop
    private let store: EmbeddedStore
    private let creator: Participant
    private let joiner: Participant
    private var calls = 0

    init(loop: EventLoop, options: ClientOptions) {
        self.loop = loop
        var options = options
        options.loopback = true
        let secret = RoomSecret("a secret of this process", room: "demonstration")
        let keys = CallKeys(room: "demonstration", secret: secret)
        store = EmbeddedStore(on: loop)
        creator = Participant(side: .offer, loop: loop, store: store, keys: keys, secret: secret, options: options)
        joiner = Participant(side: .answer, loop: loop, store: store, keys: keys, secret: secret, options: options)
        creator.onCall = { [unowned self] in
            calls += 1
            creator.send("hello \(calls)")
        }
        joiner.onMessage = { [unowned self] text in joiner.send("\(text) to you") }
        creator.onMessage = { [unowned self] _ in goOn() }
    }

    func run() throws {
        joiner.enter()
        // Its candidates are there before there is an offer, and before its answer.
        _ = loop.run(until: { store.documents.candidates[.answer]?.isEmpty == false }, atMost: .seconds(10))
        creator.enter()
        let isOver = loop.run(until: { creator.end != nil && joiner.end != nil }, atMost: .seconds(30))
        guard isOver else { throw RoomError("the call was not over within 30 s") }
        guard calls == 3, case .left? = creator.end, case .endedByOther? = joiner.end else {
            throw RoomError("the call went another way than it should")
        }
    }

    private func goOn() {
        switch calls {
        case 1: creator.restart()
        case 2: joiner.restart()
        default: creator.leave()
        }
    }
}
