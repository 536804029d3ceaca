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
    ///
    /// A task of that actor which awaits them keeps the actor alive, and with it the client, until ``close()`` ends the wait: letting go of
    /// the actor alone does not end the session. Give the actor a method that closes the client.
    ///
    /// - Parameter limit: How many wait for who reads late, as the peer has a say in how many there are. One more ends the sequence behind
    ///   those, since a gap is worse than an end: where ``state`` is not `closed` then, ask the client how things stand and call this again.
    public func events(limit: Int = 4096) -> AsyncStream<ICEEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ICEEvent.self, bufferingPolicy: .bufferingOldest(max(1, limit)))
        if isClosed {
            continuation.finish()
        } else {
            eventStreams = eventStreams + [AwaitedStream(continuation, endsWhenFull: true)]
        }
        return stream
    }

    /// The datagrams of the peer from now on, for `for await`; each call gives another sequence, which ends with ``close()``.
    ///
    /// - Parameter limit: How many wait for who reads late; what comes beyond that is lost, as on the way.
    public func datagrams(limit: Int = 256) -> AsyncStream<ICEDatagram> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ICEDatagram.self, bufferingPolicy: .bufferingOldest(max(1, limit)))
        if isClosed {
            continuation.finish()
        } else {
            datagramStreams = datagramStreams + [AwaitedStream(continuation, endsWhenFull: false)]
        }
        return stream
    }

    /// Hands an event to all who await it, and forgets those who do not any more.
    func stream(_ event: ICEEvent) {
        guard !eventStreams.isEmpty else { return }
        // Whoever is told may go on at once, and ask for another sequence or close the client: the list is not held meanwhile.
        for stream in eventStreams { stream.tell(event) }
        if eventStreams.contains(where: \.hasEnded) { eventStreams = eventStreams.filter { !$0.hasEnded } }
    }

    func stream(_ bytes: Span<UInt8>, on path: StreamComponent) {
        guard !datagramStreams.isEmpty else { return }
        let datagram = ICEDatagram(bytes: [UInt8](copying: bytes), path: path)
        for stream in datagramStreams { stream.tell(datagram) }
        if datagramStreams.contains(where: \.hasEnded) { datagramStreams = datagramStreams.filter { !$0.hasEnded } }
    }

    func endStreams() {
        let (events, datagrams) = (eventStreams, datagramStreams)
        (eventStreams, datagramStreams) = ([], [])
        for stream in events { stream.end() }
        for stream in datagrams { stream.end() }
    }
}
