import ICE

/// A whole call in one process: the joiner is there before the room, they talk, either side restarts, and the creator ends it.
final class Demonstration {
    private let loop: EventLoop
    private let store: EmbeddedStore
    private let creator: Participant
    private let joiner: Participant
    private var choices = 0
    private var generation: Int { choices / 2 }

    init(loop: EventLoop, options: ClientOptions) {
        self.loop = loop
        var options = options
        options.loopback = true
        let secret = RoomSecret("a secret of this process", room: "demonstration")
        let keys = CallKeys(room: "demonstration", secret: secret)
        store = EmbeddedStore(on: loop)
        creator = Participant(side: .offer, loop: loop, store: store, keys: keys, secret: secret, options: options)
        joiner = Participant(side: .answer, loop: loop, store: store, keys: keys, secret: secret, options: options)
        for participant in [creator, joiner] {
            participant.onCall = { [unowned self] in
                choices += 1
                // Data flows over the earlier path as well, but a generation is done when both have chosen.
                if choices.isMultiple(of: 2) { creator.send("hello \(generation)") }
            }
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
        guard generation == 3, case .left? = creator.end, case .endedByOther? = joiner.end else {
            throw RoomError("the call went another way than it should")
        }
    }

    private func goOn() {
        switch generation {
        case 1: creator.restart()
        case 2: joiner.restart()
        default: creator.leave()
        }
    }
}
