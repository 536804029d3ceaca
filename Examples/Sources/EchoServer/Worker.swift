import Dispatch
import Foundation
import ICE
import Synchronization

/// A loop on a thread of its own, with its share of the port.
struct Worker: Sendable {
    let addresses: [TransportAddress]
    private let end: Mailbox<Void>.Sender
    private let hasEnded = DispatchSemaphore(value: 0)

    /// How often it reports, and looks after its calls.
    private static let interval = Duration.seconds(1)

    /// Starts the thread, and waits until the port is open there.
    init(ports: SharedPortConfiguration, in house: House) throws {
        let start = Handover<Result<([TransportAddress], Mailbox<Void>.Sender), any Error>>()
        let hasEnded = hasEnded
        Thread.detachNewThread {
            do {
                try Self.run(ports, house) { start.give(.success(($0, $1))) }
            } catch {
                start.give(.failure(error))
            }
            hasEnded.signal()
        }
        (addresses, end) = try start.take().get()
        guard addresses.isEmpty else { return }
        stop()
        throw NoAddress()
    }

    /// Closes all calls, and returns when the thread has ended.
    func stop() {
        end.send(())
        hasEnded.wait()
    }

    private static func run(
        _ ports: SharedPortConfiguration, _ house: House,
        onStart: ([TransportAddress], Mailbox<Void>.Sender) -> Void
    ) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let port = try SharedPort(loop: loop, configuration: ports)
        let calls = EchoCalls(on: loop, port: port, house: house)
        let number = house.enter()
        let end = try Mailbox<Void>(on: loop) { [unowned loop] in loop.stop() }
        let timer = Timer(on: loop) {
            calls.sweep()
            house.report(calls.report(), of: number)
        }
        timer.start(after: interval, repeating: interval)
        onStart(port.localAddresses, end.sender)
        loop.run()
        house.report(calls.report(), of: number)
        calls.close()
    }
}

struct NoAddress: Error, CustomStringConvertible {
    let description = "this machine has no address but loopback ones: name one with --address"
}

/// A value from one thread to another one that waits for it.
final class Handover<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)
    private let isThere = DispatchSemaphore(value: 0)

    /// Hands the value over; the first one counts.
    func give(_ value: Value) {
        self.value.withLock { $0 = $0 ?? value }
        isThere.signal()
    }

    func take() -> Value {
        while true {
            isThere.wait()
            if let value = value.withLock({ $0 }) { return value }
        }
    }
}
