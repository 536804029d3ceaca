import ICE

/// Sends numbered datagrams at an even pace for as long as the session lasts; what finds no path is lost, as on a real one.
final class Stream {
    private let client: ICEClient
    private let loop: EventLoop
    private var sent = 0
    private lazy var timer = Timer(on: loop) { [unowned self] in sendNext() }

    init(client: ICEClient, loop: EventLoop, interval: Duration) {
        self.client = client
        self.loop = loop
        timer.start(after: interval, repeating: interval)
    }

    private func sendNext() {
        sent += 1
        try? client.send("stream \(sent)")
    }

    func close() { timer.close() }
}
