/// What the peer has said of the end of its candidates: of which streams, and of which generation (RFC 8838 §14, RFC 8840 §8).
struct RemoteEnds {
    /// One word of the peer; nil stands for every stream, or for the generation there is.
    private struct End: Hashable {
        let stream: StreamID?
        let usernameFragment: String?
    }

    private var all: [End] = []

    /// A session has few streams, and a generation one name: what is beyond it is noise.
    private static let limit = 300

    mutating func add(_ stream: StreamID?, usernameFragment: String?) {
        let end = End(stream: stream, usernameFragment: usernameFragment)
        guard !all.contains(end), all.count < Self.limit else { return }
        all.append(end)
    }

    /// Whether a stream's candidates are all there.
    ///
    /// - Parameter usernameFragment: The generation that is asked about; nil as long as it is not known, when any end counts.
    func cover(_ stream: StreamID?, usernameFragment: String?) -> Bool {
        all.contains { end in
            let isStreams = end.stream == nil || end.stream == stream
            guard let named = end.usernameFragment, let usernameFragment else { return isStreams }
            return isStreams && named == usernameFragment
        }
    }
}
