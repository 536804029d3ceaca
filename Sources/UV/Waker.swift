import CLibUV
import Synchronization

/// The one door to a loop for other threads: hands work over and wakes the loop to run it.
///
/// It may outlive its loop; work for a closed loop is refused.
///
/// ```swift
/// import Foundation
///
/// let waker = loop.waker
/// Thread.detachNewThread { waker.execute { print("on the loop's thread") } }
/// ```
public final class Waker: Sendable {
    private struct Mailbox {
        // An address, not a pointer: of all of libuv only uv_async_send may be called from another thread, and it is
        // called under the lock, so that it never meets a handle that is closing.
        var asyncHandle: UInt?
        var work: [@Sendable () -> Void] = []
    }

    private let mailbox = Mutex(Mailbox())

    init() {}

    /// Runs the work on the loop's thread, in the order of the calls of one thread; false if the loop is closed.
    ///
    /// Work that is still waiting when the loop closes is dropped. Work alone does not keep `run()` from returning, but
    /// `run()` begins with what was waiting before.
    @discardableResult
    public func execute(_ work: @escaping @Sendable () -> Void) -> Bool {
        mailbox.withLock { mailbox in
            guard let address = mailbox.asyncHandle,
                let handle = unsafe UnsafeMutablePointer<uv_async_t>(bitPattern: address)
            else { return false }
            mailbox.work.append(work)
            return unsafe uv_async_send(handle) == 0
        }
    }

    var hasWork: Bool { mailbox.withLock { !$0.work.isEmpty } }

    func open(_ handle: UnsafeMutablePointer<uv_async_t>) {
        let address = UInt(bitPattern: handle)
        mailbox.withLock { $0.asyncHandle = address }
    }

    func takeWork() -> [@Sendable () -> Void] {
        mailbox.withLock { mailbox in
            let work = mailbox.work
            mailbox.work = []
            return work
        }
    }

    func close() {
        mailbox.withLock { $0.asyncHandle = nil }
        // Released here, outside the lock: what the work captured may call back when it goes.
        _ = takeWork()
    }
}
