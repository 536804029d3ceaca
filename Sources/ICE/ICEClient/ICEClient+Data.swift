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
        if configuration.coalescesSends, bytes.count <= GatheredDatagrams.largest { return try gather(bytes, on: way) }
        _ = try hand(1, { _ in bytes.count }, to: way) { socket, destination throws(NetworkError) in
            try socket.send(bytes, to: destination)
            return 1
        }
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
        let byteCount = { count in datagrams[..<count].reduce(0) { $0 + $1.count } }
        return try hand(datagrams.count, byteCount, to: way) { socket, destination throws(NetworkError) in
            try socket.send(contentsOf: datagrams, to: destination)
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
        return try hand(count, { min($0 * size, bytes.count) }, to: way) { socket, destination throws(NetworkError) in
            try socket.send(bytes, inDatagramsOf: size, to: destination)
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

    /// Hands datagrams to the socket and counts what becomes of them; how many went or were lost on the way.
    private func hand(
        _ count: Int, _ byteCount: (Int) -> Int, to way: DataPath,
        _ send: (any DatagramSocket, TransportAddress) throws(NetworkError) -> Int
    ) throws(ICEError) -> Int {
        if !way.gathered.isEmpty { flush(way) }
        do throws(NetworkError) {
            // What was sent before goes before.
            guard way.gathered.isEmpty else { throw NetworkError.noRoom(way.destination) }
            noteSent(on: way)
            let taken = try send(way.socket, way.destination)
            countSent(taken, byteCount(taken), on: way)
            if taken < count { way.isBlocked = true }
            return taken
        } catch {
            guard let refusal = ICEError(refusing: byteCount(1), error) else {
                countDiscarded(count, byteCount(count), on: way)
                return count
            }
            if refusal.code == .wouldBlock { way.isBlocked = true }
            countDiscarded(1, byteCount(1), on: way)
            throw refusal
        }
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
        guard !way.gathered.isEmpty else { return }
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
        try way.socket.send(span, to: way.destination)
        return 1
    }
}

extension ICEError {
    fileprivate static let noRoom = ICEError(
        .wouldBlock, "the socket's buffer is full; send again when onWritable fires")

    /// What only means that a datagram was lost on the way, as datagrams are, is no error: checks and consent find out whether the path is
    /// gone.
    fileprivate init?(refusing byteCount: Int, _ error: NetworkError) {
        switch error.code {
        case .wouldBlock: self = .noRoom
        case .messageTooLarge:
            self.init(
                .messageTooLarge,
                "\(byteCount) bytes do not fit into one datagram; send 1200 at most, which pass nearly everywhere")
        default: return nil
        }
    }
}

extension NetworkError {
    fileprivate static func noRoom(_ destination: TransportAddress) -> NetworkError {
        NetworkError(.wouldBlock, name: "EAGAIN", operation: "send to \(destination)")
    }
}
