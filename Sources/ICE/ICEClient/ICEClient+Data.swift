public import ICECore
import NetBase

// Data passes by the agent: it goes straight to the selected pair's socket.
extension ICEClient {
    /// Sends one datagram to the peer over the component's selected pair.
    ///
    /// With ``ICEConfiguration/coalescesSends`` it goes at the end of the turn, together with the others of that turn.
    ///
    /// - Throws: ``ICEError`` with code `closed`, `notConnected`, `wouldBlock` or `messageTooLarge`. As with any datagram, no error does
    ///   not mean that it arrives.
    public func send(_ bytes: Span<UInt8>, on path: StreamComponent = .first) throws(ICEError) {
        let way = try way(of: path)
        if coalescesSends, bytes.count <= GatheredDatagrams.largest { return try gather(bytes, on: way) }
        try begin(on: way)
        do throws(NetworkError) {
            try way.send(bytes)
        } catch {
            return try refused(1, bytes.count, first: bytes.count, on: way, error)
        }
        countSent(1, bytes.count, on: way)
    }

    /// Sends datagrams to the peer over the component's selected pair, in their order, with as few system calls as the system allows: of
    /// one size but the last, they are the quickest.
    ///
    /// - Returns: How many of them went, or were lost on the way. What there was no room for is the caller's to send again, see ``onWritable``.
    /// - Throws: What `send(_:on:)` throws, where not even the first went.
    @discardableResult
    public func send(contentsOf datagrams: [[UInt8]], on path: StreamComponent = .first) throws(ICEError) -> Int {
        let way = try way(of: path)
        guard !datagrams.isEmpty else { return 0 }
        try begin(on: way)
        do throws(NetworkError) {
            let taken = try way.socket.send(contentsOf: datagrams, to: way.destination)
            countSent(taken, Self.byteCount(datagrams[..<taken]), on: way)
            guard taken < datagrams.count else { return taken }
            let next = datagrams[taken]
            return taken + goOn(with: next.span, on: way)
        } catch {
            try refused(datagrams.count, Self.byteCount(datagrams[...]), first: datagrams[0].count, on: way, error)
            return datagrams.count
        }
    }

    /// Sends datagrams that lie one behind the other in a buffer, all of one size but the last, which may be shorter: the quickest way
    /// there is, as the kernel, or the card, cuts them (UDP GSO).
    ///
    /// It returns and throws what `send(contentsOf:on:)` does.
    @discardableResult
    public func send(
        _ bytes: Span<UInt8>, inDatagramsOf size: Int, on path: StreamComponent = .first
    ) throws(ICEError) -> Int {
        precondition(size > 0, "datagrams of no bytes have no end")
        let way = try way(of: path)
        let count = (bytes.count + size - 1) / size
        guard count > 0 else { return 0 }
        try begin(on: way)
        do throws(NetworkError) {
            let taken = try way.socket.send(bytes, inDatagramsOf: size, to: way.destination)
            let end = min(taken * size, bytes.count)
            countSent(taken, end, on: way)
            guard taken < count else { return taken }
            return taken + goOn(with: bytes.extracting(end..<min(end + size, bytes.count)), on: way)
        } catch {
            try refused(count, bytes.count, first: min(size, bytes.count), on: way, error)
            return count
        }
    }

    /// Sends one datagram with these bytes.
    public func send(_ bytes: [UInt8], on path: StreamComponent = .first) throws(ICEError) {
        try send(bytes.span, on: path)
    }

    /// Sends one datagram with the text's UTF-8.
    public func send(_ text: String, on path: StreamComponent = .first) throws(ICEError) {
        try send(Array(text.utf8), on: path)
    }
}

// MARK: - Handing over

extension ICEClient {
    private func way(of path: StreamComponent) throws(ICEError) -> DataPath {
        for way in paths where way.path == path { return way }
        try requireOpen()
        throw ICEError.notConnected(path)
    }

    /// What was sent before goes before.
    private func begin(on way: DataPath) throws(ICEError) {
        noteSent(on: way)
        // Nothing is gathered otherwise.
        if coalescesSends { flush(way) }
        guard way.isSuspended || coalescesSends && !way.gathered.isEmpty else { return }
        way.isBlocked = true
        throw ICEError.noRoom
    }

    /// The system has stopped before a datagram. Where that was not for want of room nobody will tell of any, which it shows by itself.
    ///
    /// - Returns: How many went, or were lost on the way, after all.
    private func goOn(with next: Span<UInt8>, on way: DataPath) -> Int {
        var taken = 1
        do throws(NetworkError) {
            try way.send(next)
            countSent(1, next.count, on: way)
        } catch {
            switch error.code {
            case .wouldBlock:
                way.isBlocked = true
                return 0
            // Whoever sends it again learns why.
            case .messageTooLarge: taken = 0
            default: countDiscarded(1, next.count, on: way)
            }
        }
        way.isBlocked = false
        tellWritable(way.path)
        return taken
    }

    /// Counts what the socket did not take, and throws what the caller is to know.
    ///
    /// What only means that datagrams were lost on the way, as datagrams are, is no error: checks and consent find out whether the path is
    /// gone.
    private func refused(
        _ count: Int, _ byteCount: Int, first: Int, on way: DataPath, _ error: NetworkError
    ) throws(ICEError) {
        switch error.code {
        case .wouldBlock:
            way.isBlocked = true
            countDiscarded(1, first, on: way)
            throw ICEError.noRoom
        case .messageTooLarge:
            countDiscarded(1, first, on: way)
            throw ICEError(
                .messageTooLarge,
                "\(first) bytes do not fit into one datagram; send 1200 at most, which pass nearly everywhere")
        default: countDiscarded(count, byteCount, on: way)
        }
    }

    private static func byteCount(_ datagrams: ArraySlice<[UInt8]>) -> Int {
        datagrams.reduce(0) { $0 + $1.count }
    }

    // MARK: One turn's datagrams together

    private func gather(_ bytes: Span<UInt8>, on way: DataPath) throws(ICEError) {
        if !way.gathered.hasRoom(for: bytes.count) { flush(way) }
        guard way.gathered.hasRoom(for: bytes.count) else {
            way.isBlocked = true
            countDiscarded(1, bytes.count, on: way)
            throw ICEError.noRoom
        }
        way.gathered.append(bytes)
        scheduleFlush()
    }

    func scheduleFlush() {
        guard !flushIsDue else { return }
        flushIsDue = true
        platform.enqueue(flushWork)
    }

    /// Sends what the paths have gathered; what there is no room for waits on.
    func flush() {
        flushIsDue = false
        for way in paths { flush(way) }
    }

    func flush(_ way: DataPath) {
        guard !way.gathered.isEmpty, !way.isSuspended else { return }
        noteSent(on: way)
        while let run = way.gathered.firstRun {
            do throws(NetworkError) {
                let taken = try handOver(run, on: way)
                countSent(taken, min(taken * run.size, run.byteCount), on: way)
                way.gathered.removeFirst(taken, min(taken * run.size, run.byteCount))
                if taken < run.count { return }
            } catch {
                if error.code == .wouldBlock { return }
                countDiscarded(run.count, run.byteCount, on: way)
                way.gathered.removeFirst(run.count, run.byteCount)
            }
        }
    }

    private func handOver(_ run: GatheredDatagrams.Run, on way: DataPath) throws(NetworkError) -> Int {
        let bytes = way.gathered.bytes
        let span = bytes.span.extracting(..<run.byteCount)
        guard run.count == 1 else { return try way.socket.send(span, inDatagramsOf: run.size, to: way.destination) }
        try way.send(span)
        return 1
    }
}

extension ICEError {
    fileprivate static let noRoom = ICEError(
        .wouldBlock, "the socket's buffer is full; send again when onWritable fires")
}
