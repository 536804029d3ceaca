extension Candidate {
    /// The component of the stream that the candidate belongs to.
    public var path: StreamComponent { StreamComponent(stream: stream, component: component) }
}
