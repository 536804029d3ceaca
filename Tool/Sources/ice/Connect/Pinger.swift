import ICE

/// Sends pings at an even pace, and measures how long their answers take.
///
/// One side may be connected before the other one takes data: pings count from the first answer on.
final class Pinger {
    private let client: ICEClient
    private let loop: EventLoop
    private let interval: Duration
    /// How many pings are sent in all; nil for no end.
    private let count: Int?
    private(set) var trips = RoundTrips()
    private(set) var latest: Double?
    private var awaited: [(number: UInt32, sentAt: Instant)] = []
    private var next: UInt32 = 1
    private var isHeard = false
    private var timer: ICE.Timer?
    /// An answer came, to this ping, after so many milliseconds.
    var onAnswer: ((UInt32, Double) -> Void)?

    /// An answer that is not there by then does not come.
    private static let patience = Duration.seconds(2)

    init(client: ICEClient, loop: EventLoop, interval: Duration, count: Int?) {
        self.client = client
        self.loop = loop
        self.interval = interval
        self.count = count
    }

    func start() {
        guard timer == nil else { return }
        let timer = ICE.Timer(on: loop) { [unowned self] in advance() }
        timer.start(after: .zero, repeating: interval)
        self.timer = timer
    }

    func close() {
        timer?.close()
        timer = nil
        onAnswer = nil
    }

    /// Whether all pings are sent, and answered or lost.
    var isDone: Bool { hasSentAll && awaited.isEmpty }

    var loss: Double { trips.loss(awaiting: awaited.count) }

    private var hasSentAll: Bool { count.map { trips.sent >= $0 } ?? false }

    private func advance() {
        awaited.removeAll { loop.now - $0.sentAt >= Self.patience }
        guard isHeard else { return knock() }
        guard !hasSentAll else { return }
        // Without a path it is lost, like any ping.
        try? client.send(Datagram.ping(next).bytes())
        awaited.append((next, loop.now))
        trips.noteSent()
        next &+= 1
    }

    /// Pings that no one counts.
    private func knock() {
        try? client.send(Datagram.ping(0).bytes())
    }

    func hear(_ number: UInt32) {
        isHeard = true
        guard let index = awaited.firstIndex(where: { $0.number == number }) else { return }
        let milliseconds = (loop.now - awaited.remove(at: index).sentAt).roundedMilliseconds
        latest = milliseconds
        trips.noteReceived(after: milliseconds)
        onAnswer?(number, milliseconds)
    }
}
