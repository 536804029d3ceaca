/// Which documents of a call a participant writes: the creator's are the offer, the joiner's the answer.
enum Side: String, CaseIterable {
    case offer, answer

    var other: Side { self == .offer ? .answer : .offer }
}

/// What keeps the documents of one call, as a document store does, and tells whoever watches that they have changed:
///
///     rooms/{name}                a sign at the door, which only the secret of the room can read
///     calls/{id}/offer            the parameters of the creator's present generation
///     calls/{id}/offerCandidates  its candidates, each a document with an id
///     calls/{id}/answer           the same of the joiner
///     calls/{id}/answerCandidates
///
/// The end of a call is told in words that the store does not keep, and may be anybody's.
///
/// A store knows nothing of what the documents say: they are sealed. Writing a document again under its id changes nothing, so that all
/// may be written again when it is not known what has arrived.
protocol CallStore: AnyObject {
    /// Begins to tell what the documents are and become; events come on later turns of the loop.
    func watch(onEvent: @escaping (CallEvent) -> Void)

    /// Hangs a sign at the door unless there is one.
    func claim(sign: String)

    /// Sets a side's description, if there is one, and replaces its candidates.
    func put(_ description: String?, candidates: [String: String], of side: Side)

    /// Adds a candidate.
    func add(_ candidate: String, id: String, of side: Side)

    /// Takes all documents away, and the sign if it is ours, and tells the other side a last word. Is done in bounded time.
    func remove(sign: Bool, lastWord: String, onDone: @escaping () -> Void)

    /// Ends the watch.
    func close()
}

enum CallEvent {
    /// The store is there, for the first time or again. What was written while it was away is lost, and so may be all else.
    case opened(CallSnapshot)
    case changed(CallSnapshot)
    /// The store can't be reached; it is tried again.
    case away(reason: String)
    /// The store could not be reached to begin with.
    case failed(reason: String)
    /// Somebody says that the call has ended, and has to show that he is of the call.
    case ended(lastWord: String)
}

/// All documents of a call at one moment. Who is told of changes by such looks misses none and sees none twice, whenever it began.
struct CallSnapshot {
    var sign: String?
    var descriptions: [Side: String] = [:]
    var candidates: [Side: [String: String]] = [:]
}
