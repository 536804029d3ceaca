import ICE

/// Sends numbered datagrams over a relay at an even pace, and counts which come back, and when.
final class EchoTest {
    private let allocation: Allocation
    private let peer: TransportAddress
    private let plan: RelayProbe.Plan
    private let loop: EventLoop
    private var trips = RoundTrips()
    private var sentAt: [UInt32: Instant] = [:]
    private var next: UInt32 = 0

    /// What has not come back a second after the last one was sent is lost.
    private static let patience = Duration.seconds(1)

    init(allocation: Allocation, peer: TransportAddress, plan: RelayProbe.Plan, loop: EventLoop) {
        self.allocation = allocation
        self.peer = peer
        self.plan = plan
        self.loop = loop
    }

    func run(count: Int) -> RoundTrips {
        trips = RoundTrips()
        sentAt = [:]
        allocation.onData = { [unowned self] bytes, source in if source == peer { receive(bytes) } }
        let timer = ICE.Timer(on: loop) { [unowned self] in if trips.sent < count { sendNext() } }
        timer.start(after: .zero, repeating: plan.interval)
        _ = loop.run(until: { trips.sent == count }, atMost: plan.interval * count + plan.timeout)
        timer.close()
        _ = loop.run(until: { trips.received == trips.sent }, atMost: Self.patience)
        allocation.onData = nil
        return trips
    }

    private func sendNext() {
        var bytes = [UInt8](repeating: 0, count: max(4, plan.size))
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: next >> (24 - 8 * index)) }
        sentAt[next] = loop.now
        next += 1
        trips.noteSent()
        // What the way to the server does not take is lost, as any datagram may be.
        try? allocation.client.send(bytes, to: peer)
    }

    private func receive(_ bytes: Span<UInt8>) {
        guard bytes.count >= 4 else { return }
        let number = (0..<4).reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[$1]) }
        // Repeated ones count once.
        guard let start = sentAt.removeValue(forKey: number) else { return }
        trips.noteReceived(after: (loop.now - start).milliseconds)
    }
}
