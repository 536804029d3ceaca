import ICE

/// A store in the memory of the process that both sides are in. It ends with the process, so nothing in it has to expire.
final class EmbeddedStore: CallStore {
    private let loop: EventLoop
    private(set) var documents = CallSnapshot()
    private var watchers: [(CallEvent) -> Void] = []

    init(on loop: EventLoop) { self.loop = loop }

    func watch(onEvent: @escaping (CallEvent) -> Void) {
        watchers.append(onEvent)
        loop.enqueue { [unowned self] in onEvent(.opened(documents)) }
    }

    func claim(sign: String) {
        documents.sign = documents.sign ?? sign
        tell()
    }

    func put(_ description: String?, candidates: [String: String], of side: Side) {
        if let description { documents.descriptions[side] = description }
        documents.candidates[side] = candidates
        tell()
    }

    func add(_ candidate: String, id: String, of side: Side) {
        documents.candidates[side, default: [:]][id] = candidate
        tell()
    }

    func remove(sign: Bool, lastWord: String, onDone: @escaping () -> Void) {
        documents = CallSnapshot(sign: sign ? nil : documents.sign)
        for watcher in watchers { loop.enqueue { watcher(.ended(lastWord: lastWord)) } }
        loop.enqueue(onDone)
    }

    func close() {}

    /// As with any store, those who watch see what is there when they look, which may be more than what they were woken for.
    private func tell() {
        for watcher in watchers { loop.enqueue { [unowned self] in watcher(.changed(documents)) } }
    }
}
