import Dispatch
import ICE

/// Turns an event loop on the main queue: when its descriptor has something, and when its next timer is due.
///
/// All that is on the loop belongs to the main actor. Elsewhere than in the loop's own events, what touches it is wrapped in
/// ``perform(_:)``: it may have set an earlier timer, or opened a socket that the descriptor does not know of yet.
@MainActor
final class MainQueueDriver {
    let loop: EventLoop
    private let descriptor: any DispatchSourceRead
    private let timer: any DispatchSourceTimer

    init() throws {
        loop = try EventLoop()
        // libuv has such a descriptor on every system that has Dispatch.
        descriptor = DispatchSource.makeReadSource(fileDescriptor: loop.backendFileDescriptor ?? -1, queue: .main)
        timer = DispatchSource.makeTimerSource(queue: .main)
        descriptor.setEventHandler { [weak self] in MainActor.assumeIsolated { self?.turn() } }
        timer.setEventHandler { [weak self] in MainActor.assumeIsolated { self?.turn() } }
        descriptor.resume()
        timer.resume()
    }

    /// Does something with what is on the loop, and has the loop turned afterwards.
    func perform(_ work: () throws -> Void) rethrows {
        defer { timer.schedule(deadline: .now(), leeway: .nanoseconds(0)) }
        try work()
    }

    /// One turn, which does not wait; then the timer is set anew.
    private func turn() {
        // Where nothing is open, the loop says that it need not wait, and has nothing to do.
        guard loop.run(.noWait), let timeout = loop.backendTimeout else {
            return timer.schedule(deadline: .distantFuture)
        }
        let milliseconds = Int((timeout / .milliseconds(1)).rounded(.up))
        timer.schedule(deadline: .now() + .milliseconds(milliseconds), leeway: .nanoseconds(0))
    }

    /// Closes the loop, once Dispatch does not look at its descriptor any more.
    func close() async {
        timer.cancel()
        await withCheckedContinuation { continuation in
            descriptor.setCancelHandler { continuation.resume() }
            descriptor.cancel()
        }
        loop.close()
    }
}
