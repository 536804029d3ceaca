import ICE

/// Sends as much as gets through for a time, and learns from the other side how much that was.
final class LoadSender {
    private let client: ICEClient
    private let loop: EventLoop
    private let duration: Duration
    private var window: SendWindow
    private var startedAt: Instant
    private var toldEndAt: Instant?
    private var latest = Datagram.Receipt()
    private var timer: ICE.Timer?
    /// What a round trip takes at present.
    var roundTrip: () -> Duration = { .zero }
    /// Called once, with the last receipt.
    var onEnd: ((Throughput) -> Void)?

    /// A datagram that every path takes without fragments (IPv6's 1280, less headers of IP, UDP and TURN).
    static let byteCount = 1200
    private static let perTurn = 64
    private static let retellInterval = Duration.milliseconds(100)
    private static let leastSilence = Duration.milliseconds(500)
    private static let patience = Duration.seconds(3)

    init(client: ICEClient, loop: EventLoop, duration: Duration) {
        self.client = client
        self.loop = loop
        self.duration = duration
        startedAt = loop.now
        window = SendWindow(at: startedAt)
    }

    func start() {
        startedAt = loop.now
        let timer = ICE.Timer(on: loop) { [unowned self] in advance() }
        timer.start(after: .zero, repeating: .milliseconds(2))
        self.timer = timer
    }

    func close() {
        timer?.close()
        timer = nil
        onEnd = nil
    }

    /// What has arrived so far.
    var result: Throughput { Throughput(.up, latest, sent: window.sent) }

    private var isSending: Bool { loop.now - startedAt < duration }

    private func advance() {
        window.advance(to: loop.now, silence: max(Self.leastSilence, roundTrip() * 3))
        if isSending { return sendSome() }
        if loop.now - startedAt > duration + Self.patience { return end() }
        guard toldEndAt.map({ loop.now - $0 >= Self.retellInterval }) ?? true else { return }
        toldEndAt = loop.now
        try? client.send(Datagram.loadEnded(sent: window.sent).bytes())
    }

    private func sendSome() {
        for _ in 0..<Self.perTurn where window.maySend {
            do {
                try client.send(Datagram.load(window.next(at: loop.now)).bytes(size: Self.byteCount))
            } catch {
                // The socket's buffer is full, or there is no path: later.
                return window.takeBack()
            }
        }
    }

    func hear(_ receipt: Datagram.Receipt) {
        guard timer != nil else { return }
        if receipt.packets >= latest.packets { latest = receipt }
        window.hear(receipt, at: loop.now)
        if receipt.isFinal { end() } else if isSending { sendSome() }
    }

    private func end() {
        let onEnd = onEnd
        close()
        onEnd?(result)
    }
}
