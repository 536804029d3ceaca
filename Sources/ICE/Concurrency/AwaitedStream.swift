/// One sequence that a client has given out, as the client sees it.
final class AwaitedStream<Element: Sendable> {
    private let continuation: AsyncStream<Element>.Continuation
    /// Whether an element that finds no room ends the sequence, as those who await it are not to miss one.
    private let endsWhenFull: Bool
    private(set) var hasEnded = false

    init(_ continuation: AsyncStream<Element>.Continuation, endsWhenFull: Bool) {
        self.continuation = continuation
        self.endsWhenFull = endsWhenFull
    }

    func tell(_ element: Element) {
        switch continuation.yield(element) {
        case .terminated: hasEnded = true
        case .dropped where endsWhenFull: end()
        default: break
        }
    }

    func end() {
        hasEnded = true
        continuation.finish()
    }
}
