import ICECore

extension ICEClient {
    /// The client's events from now on, for `for await`; each call gives another sequence, which ends with ``close()``.
    ///
    /// ```swift
    /// for await event in client.events() {
    ///     if case .state(let state, _) = event, state == .connected { try client.send("hello") }
    /// }
    /// ```
    ///
    /// The client stays with its loop: an actor that runs there, by ``LoopExecutor``, may own it and await this. Whoever reads late finds all
    /// events still there, up to those before ``close()``; closures and the delegate are told as well.
    public func events() -> AsyncStream<ICEEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: ICEEvent.self)
        if isClosed { continuation.finish() } else { eventStreams.append(continuation) }
        return stream
    }

    /// The datagrams of the peer from now on, for `for await`; each call gives another sequence, which ends with ``close()``.
    ///
    /// - Parameter limit: How many wait for who reads late; what comes beyond that is lost, as on the way.
    public func datagrams(limit: Int = 256) -> AsyncStream<ICEDatagram> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ICEDatagram.self, bufferingPolicy: .bufferingOldest(max(1, limit)))
        if isClosed { continuation.finish() } else { datagramStreams.append(continuation) }
        return stream
    }

    /// Hands an event to all who await it, and forgets those who do not any more.
    func stream(_ event: ICEEvent) {
        guard !eventStreams.isEmpty else { return }
        eventStreams.removeAll { stream in
            if case .terminated = stream.yield(event) { true } else { false }
        }
    }

    func stream(_ bytes: Span<UInt8>, on path: StreamComponent) {
        guard !datagramStreams.isEmpty else { return }
        let datagram = ICEDatagram(bytes: [UInt8](copying: bytes), path: path)
        datagramStreams.removeAll { stream in
            if case .terminated = stream.yield(datagram) { true } else { false }
        }
    }

    func endStreams() {
        for stream in eventStreams { stream.finish() }
        for stream in datagramStreams { stream.finish() }
        eventStreams = []
        datagramStreams = []
    }
}
