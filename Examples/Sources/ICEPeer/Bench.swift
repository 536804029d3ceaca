import ICE

/// Sends datagrams as fast as the path takes them, in turns, so that the loop goes on with everything else.
final class Bench {
    private let client: ICEClient
    private let loop: EventLoop
    private let payload: [UInt8]
    private let count: Int
    private var sent = 0
    private let startedAt: Instant

    private let isBatched: Bool

    private static let perTurn = 64

    init(client: ICEClient, loop: EventLoop, size: Int, count: Int, isBatched: Bool) {
        self.client = client
        self.loop = loop
        self.count = count
        self.isBatched = isBatched
        payload = [UInt8](repeating: UInt8(ascii: "x"), count: size)
        startedAt = loop.now
    }

    func run() {
        do {
            try sendSome()
            if sent == count { report() } else { loop.enqueue { self.run() } }
        } catch {
            OutgoingLine.error("\(error)").write()
            report()
        }
    }

    private func sendSome() throws(ICEError) {
        if isBatched { return try sendBatch() }
        for _ in 0..<min(Self.perTurn, count - sent) {
            do {
                try client.send(payload)
                sent += 1
            } catch  where error.code == .wouldBlock {
                return
            }
        }
    }

    private func sendBatch() throws(ICEError) {
        let batch = Array(repeating: payload, count: min(Self.perTurn, count - sent))
        do {
            sent += try client.send(contentsOf: batch)
        } catch  where error.code == .wouldBlock {
            return
        }
    }

    private func report() {
        var line = OutgoingLine("stats")
        line.sent = sent
        line.bytes = sent * payload.count
        line.elapsed = (loop.now - startedAt).milliseconds / 1000
        line.write()
    }
}

/// Counts what arrives, and tells when nothing more has come for a while.
final class ReceiveCounter {
    private let loop: EventLoop
    private var received = 0
    private var bytes = 0
    private var first: Instant?
    private var last: Instant?
    private lazy var timer = Timer(on: loop) { [unowned self] in report() }

    private static let silence = Duration.milliseconds(500)

    init(loop: EventLoop) { self.loop = loop }

    func count(_ size: Int) {
        let now = loop.now
        if first == nil {
            first = now
            timer.start(after: Self.silence)
        }
        last = now
        received += 1
        bytes += size
    }

    private func report() {
        guard let first, let last else { return }
        guard loop.now - last >= Self.silence else {
            timer.start(at: last + Self.silence)
            return
        }
        var line = OutgoingLine("stats")
        line.received = received
        line.bytes = bytes
        line.firstToLast = (last - first).milliseconds / 1000
        line.write()
        (received, bytes, self.first, self.last) = (0, 0, nil, nil)
    }

    func close() { timer.close() }
}
