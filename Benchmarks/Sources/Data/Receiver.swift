import ICE
import Measuring

/// Counts the datagrams that arrive, and tells the sender how far they have come.
final class Receiver {
    private let client: ICEClient
    private let loop: EventLoop
    private let perReceipt: UInt64
    private var received: UInt64 = 0
    private var next: UInt64 = 0
    private var receiptDue: UInt64
    private var receipt = Packet.make(Packet.receipt)
    private var watch = Stopwatch()
    private var before = Usage()
    private var seconds = 0.0
    private var isOver = false
    private let isBatched: Bool

    private static let patience = Duration.seconds(120)

    init(client: ICEClient, loop: EventLoop, options: Options) {
        let window = options.number("window")
        self.client = client
        self.loop = loop
        perReceipt = window == 0 ? .max : UInt64(max(1, window / 4))
        receiptDue = perReceipt
        isBatched = Mode(options) == .batched
    }

    func run() {
        if isBatched {
            client.onDataBatch = { [self] batch, _ in
                for index in 0..<batch.count { receive(batch[index]) }
                giveReceipt()
            }
        } else {
            client.onData = { [self] bytes, _ in
                receive(bytes)
                giveReceipt()
            }
        }
        guard loop.run(until: { isOver }, atMost: Self.patience) else { Options.refuse("the sender did not end") }
        let after = Usage()
        ResultLine("receiver").with("received", received).with("seconds", seconds).with("cpu", after.cpu - before.cpu)
            .with("allocations", Double(after.allocations - before.allocations) / Double(max(1, received))).write()
    }

    private func receive(_ bytes: Span<UInt8>) {
        guard bytes.count >= Packet.headerLength else { return }
        switch bytes[0] {
        case Packet.data: count(Packet.number(of: bytes))
        case Packet.end:
            if !isOver { seconds = watch.seconds }
            isOver = true
        default: break
        }
    }

    private func count(_ number: UInt64) {
        if received == 0 {
            watch = Stopwatch()
            before = Usage()
        }
        received += 1
        next = max(next, number + 1)
    }

    private func giveReceipt() {
        guard received >= receiptDue else { return }
        receiptDue = received + perReceipt
        Packet.setNumbers(from: next, in: &receipt)
        try? client.send(receipt)
    }
}
