import ICE

/// Throughput both ways, one after the other: one side sends first, the other when it has heard all of that.
final class Measurement {
    private let loop: EventLoop
    private let client: ICEClient
    private let isFirst: Bool
    private let sender: LoadSender
    private var receiver = LoadReceiver()
    private var hasBegun = false
    private var hasSent = false
    private var hasReceived = false
    private var heardAt: Instant?
    private let duration: Duration
    var onResult: ((Throughput) -> Void)?

    /// How long the other side's load may be silent before it is taken to be over.
    private static let silence = Duration.seconds(5)

    init(client: ICEClient, loop: EventLoop, duration: Duration, isFirst: Bool, pinger: Pinger) {
        self.client = client
        self.loop = loop
        self.duration = duration
        self.isFirst = isFirst
        sender = LoadSender(client: client, loop: loop, duration: duration)
        sender.roundTrip = { [unowned pinger] in .milliseconds(pinger.trips.maximum) }
        sender.onEnd = { [unowned self] result in
            hasSent = true
            heardAt = loop.now
            onResult?(result)
        }
    }

    var isDone: Bool { hasSent && hasReceived }

    /// What people see of it while it goes on.
    var progress: String? {
        let isSending = hasBegun && !hasSent
        guard isSending || !hasReceived else { return nil }
        let result = isSending ? sender.result : Throughput(.down, receiver.receipt, sent: 0)
        // So soon the figure would be that of a few datagrams.
        guard result.seconds >= 0.3 else { return nil }
        return "\(isSending ? "sending" : "receiving") \(Quantity.bitRate(result.bitsPerSecond))"
    }

    /// The path carries pings: whose turn it is may send.
    func begin() {
        if isFirst { startSending() } else if heardAt == nil { heardAt = loop.now + duration }
    }

    private func startSending() {
        guard !hasBegun else { return }
        hasBegun = true
        sender.start()
    }

    func receive(_ datagram: Datagram, byteCount: Int) {
        switch datagram {
        case .load(let number):
            heardAt = loop.now
            if let receipt = receiver.take(number, byteCount: byteCount, at: loop.now) { tell(receipt) }
        case .loadEnded(let sent):
            tell(receiver.end())
            endReceiving(sent: sent)
        case .receipt(let receipt): sender.hear(receipt)
        default: break
        }
    }

    /// Lets time pass; to be called some ten times a second.
    func advance() {
        if let receipt = receiver.pending() { tell(receipt) }
        // The other side may have gone, or lost its path for good.
        let mayHear = !hasReceived && (!isFirst || hasSent)
        if mayHear, let heardAt, loop.now - heardAt >= Self.silence { endReceiving(sent: receiver.sent) }
    }

    func close() {
        sender.close()
        onResult = nil
    }

    private func endReceiving(sent: UInt32) {
        guard !hasReceived else { return }
        hasReceived = true
        onResult?(Throughput(.down, receiver.receipt, sent: sent))
        if !isFirst { startSending() }
    }

    private func tell(_ receipt: Datagram.Receipt) {
        try? client.send(Datagram.receipt(receipt).bytes())
    }
}
