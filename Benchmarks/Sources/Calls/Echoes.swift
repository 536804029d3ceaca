import ICE

/// Datagrams that are sent over the calls, and come back.
final class Echoes {
    private(set) var sent = 0
    private(set) var received = 0
    private let isAnswering: Bool
    private let timer: Timer
    private var next = 0

    private static let tick = Duration.milliseconds(10)
    private static let payload = [UInt8](repeating: UInt8(ascii: "e"), count: 100)

    init(loop: EventLoop, isAnswering: Bool) {
        self.isAnswering = isAnswering
        timer = Timer(on: loop)
    }

    /// Sends over each client in turn, over all of them once in the interval.
    func send(over clients: [ICEClient], every interval: Duration) {
        var due = 0.0
        let share = Double(clients.count) * Self.tick.milliseconds / interval.milliseconds
        timer.onFire = { [unowned self] in
            due += share
            while due >= 1 {
                due -= 1
                send(over: clients[next % clients.count])
                next += 1
            }
        }
        timer.start(after: Self.tick, repeating: Self.tick)
    }

    func stop() { timer.stop() }

    func receive(_ bytes: Span<UInt8>, on client: ICEClient) {
        received += 1
        guard isAnswering else { return }
        sent += 1
        try? client.send(bytes)
    }

    private func send(over client: ICEClient) {
        sent += 1
        try? client.send(Self.payload)
    }
}
