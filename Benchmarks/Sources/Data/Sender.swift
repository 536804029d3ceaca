import ICE
import Measuring

/// Sends datagrams for some time: as many as the window lets be under way, or all that go where it is 0.
final class Sender {
    private let client: ICEClient
    private let loop: EventLoop
    private let timer: Timer
    private let window: UInt64
    private let span: Duration
    private let isBatched: Bool
    private var batch: [[UInt8]]
    private var sent: UInt64 = 0
    /// What is below has arrived, or is lost.
    private var accounted: UInt64 = 0
    private var accountedAtTick: UInt64 = 0
    private var turnIsDue = false
    private var isOver = false

    private static let perTurn = 64
    /// Silence of that length means that what is under way is lost.
    private static let silence = Duration.milliseconds(20)

    init(client: ICEClient, loop: EventLoop, options: Options) {
        self.client = client
        self.loop = loop
        window = UInt64(options.number("window"))
        span = options.seconds("seconds")
        isBatched = options["batched"] == "yes"
        batch = (0..<Self.perTurn).map { _ in Packet.make(Packet.data, size: options.number("size")) }
        timer = Timer(on: loop)
    }

    func run() {
        client.onData = { [unowned self] bytes, _ in hear(bytes) }
        client.onWritable = { [unowned self] _ in pump() }
        timer.onFire = { [unowned self] in tick() }
        timer.start(after: Self.silence, repeating: Self.silence)
        let (before, watch) = (Usage(), Stopwatch())
        pump()
        while watch.seconds < Double(span.milliseconds) / 1000 { _ = loop.run(.once) }
        isOver = true
        let (seconds, after) = (watch.seconds, Usage())
        // What ends it may get lost as well.
        for _ in 0..<20 {
            try? client.send(Packet.make(Packet.end))
            _ = loop.run(until: { false }, atMost: .milliseconds(10))
        }
        ResultLine("sender").with("sent", sent).with("seconds", seconds).with("cpu", after.cpu - before.cpu)
            .with("allocations", Double(after.allocations - before.allocations) / Double(max(1, sent))).write()
    }

    private func hear(_ bytes: Span<UInt8>) {
        guard bytes.count >= Packet.headerLength, bytes[0] == Packet.receipt else { return }
        accounted = max(accounted, min(sent, Packet.number(of: bytes)))
        pump()
    }

    private func tick() {
        if accounted == accountedAtTick { accounted = sent }
        accountedAtTick = accounted
        pump()
    }

    private var room: Int { window == 0 ? Self.perTurn : Int(window - min(window, sent - accounted)) }

    /// Sends what there is room for, at most so much that the loop has its turn.
    private func pump() {
        guard !isOver else { return }
        do {
            try isBatched ? sendBatch(of: min(room, Self.perTurn)) : sendEach(min(room, Self.perTurn))
        } catch {
            if error.code == .wouldBlock { return }
            Options.refuse("\(error)")
        }
        if room > 0 { scheduleTurn() }
    }

    private func scheduleTurn() {
        guard !turnIsDue else { return }
        turnIsDue = true
        loop.enqueue { [self] in
            turnIsDue = false
            pump()
        }
    }

    private func sendEach(_ count: Int) throws(ICEError) {
        for _ in 0..<count {
            Packet.setNumber(sent, in: &batch[0])
            try client.send(batch[0])
            sent += 1
        }
    }

    private func sendBatch(of count: Int) throws(ICEError) {
        guard count > 0 else { return }
        for index in 0..<count { Packet.setNumber(sent + UInt64(index), in: &batch[index]) }
        sent += UInt64(try client.send(contentsOf: count == batch.count ? batch : Array(batch[..<count])))
    }
}
