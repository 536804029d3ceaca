import ICE
import Measuring

/// Sends datagrams for some time: as many as the window lets be under way, or all that go where it is 0.
final class Sender {
    private let client: ICEClient
    private let loop: EventLoop
    private let timer: Timer
    private let window: UInt64
    private let span: Duration
    private let mode: Mode
    private let size: Int
    /// As many packets as go in one turn, one behind the other: in batches, what the system takes for one train.
    private var packets: [UInt8]
    private let perTurn: Int
    private var sent: UInt64 = 0
    /// What is below has arrived, or is lost.
    private var accounted: UInt64 = 0
    private var accountedAtTick: UInt64 = 0
    private var turnIsDue = false
    private var isOver = false

    private static let mostPerTurn = 64
    private static let longestTrain = 65_507
    /// Silence of that length means that what is under way is lost.
    private static let silence = Duration.milliseconds(20)

    init(client: ICEClient, loop: EventLoop, options: Options) {
        self.client = client
        self.loop = loop
        window = UInt64(options.number("window"))
        span = options.seconds("seconds")
        mode = Mode(options)
        size = max(options.number("size"), Packet.headerLength)
        perTurn = mode == .batched ? min(Self.mostPerTurn, Self.longestTrain / size) : Self.mostPerTurn
        packets = Packet.make(Packet.data, size: perTurn * size)
        timer = Timer(on: loop)
    }

    func run() {
        client.onData = { [self] bytes, _ in hear(bytes) }
        client.onWritable = { [self] _ in pump() }
        timer.onFire = { [self] in tick() }
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

    /// How many may be sent now, at most so many that the loop has its turn; in batches, whole ones alone.
    private var room: Int {
        let free = window == 0 ? perTurn : Int(window - min(window, sent - accounted))
        let whole = window == 0 ? perTurn : min(perTurn, Int(window))
        return mode == .batched && free < whole ? 0 : min(free, whole)
    }

    private func pump() {
        guard !isOver, room > 0 else { return }
        do {
            try mode == .batched ? sendBatches() : sendEach(room)
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
        let numbered = numbered(count)
        let bytes = numbered.span
        for index in 0..<count {
            try client.send(bytes.extracting(index * size..<(index + 1) * size))
            sent += 1
        }
    }

    /// As many trains as the window holds, as the bare program does; without a window one in a turn.
    private func sendBatches() throws(ICEError) {
        repeat { try sendBatch(of: room) } while window > 0 && room > 0
    }

    private func sendBatch(of count: Int) throws(ICEError) {
        let numbered = numbered(count)
        let bytes = numbered.span
        sent += UInt64(try client.send(bytes.extracting(0..<count * size), inDatagramsOf: size))
    }

    /// The next packets, of which nobody may keep hold: else the next ones would be a copy.
    private func numbered(_ count: Int) -> [UInt8] {
        Packet.setNumbers(from: sent, in: &packets, count: count, size: size)
        return packets
    }
}
