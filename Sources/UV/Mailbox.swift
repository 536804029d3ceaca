import CLibUV
public import NetBase
import Synchronization

/// Messages from other threads to something that lives on the loop.
///
/// ``Waker/execute(_:)`` runs closures that can't hold what belongs to the loop. A mailbox turns that around: what handles the
/// messages stays on the loop, and other threads hold a ``Sender``.
///
/// ```swift
/// import Foundation
///
/// let mailbox = try Mailbox<String>(on: loop) { line in print("another thread read", line) }
/// let sender = mailbox.sender
/// Thread.detachNewThread { while let line = readLine() { sender.send(line) } }
/// ```
///
/// An open mailbox keeps `run()` from returning, unless ``Handle/keepsLoopAlive`` says otherwise.
public final class Mailbox<Message: Sendable>: Handle {
    /// Called on the loop for each message, in the order of the sending of one thread.
    public var onMessage: ((Message) -> Void)?

    /// What other threads send with; it may outlive the mailbox.
    public let sender = Sender()

    /// A mailbox on a loop.
    ///
    /// - Throws: `closed` if the loop is, or what the system says.
    public init(on loop: EventLoop, onMessage: ((Message) -> Void)? = nil) throws(NetworkError) {
        let memory = try unsafe loop.core.open(
            uv_async_t.self,
            initialize: { loop, handle in
                unsafe uv_async_init(loop, handle) { handle in
                    guard let handle = unsafe handle else { return }
                    // The callback can't name the generic type: every mailbox delivers through its superclass.
                    unsafe owner(Handle.self, of: handle.pointee.data).wake()
                }
            },
            operation: "open mailbox")
        self.onMessage = onMessage
        unsafe super.init(loop.core, memory)
        unsafe sender.open(memory.assumingMemoryBound(to: uv_async_t.self))
    }

    override func wake() {
        core.turn {
            for message in sender.take() where !isClosed { onMessage?(message) }
        }
    }

    override func willClose() { sender.close() }

    override func dropClosures() {
        let dropped = onMessage
        onMessage = nil
        withExtendedLifetime(dropped) {}
    }

    /// Sends messages to a mailbox from any thread.
    public final class Sender: Sendable {
        private struct Queue {
            // An address, not a pointer, and used under the lock alone: a closing handle is never woken.
            var asyncHandle: UInt?
            var messages: [Message] = []
        }

        private let queue = Mutex(Queue())

        /// Hands a message over; false, with the message dropped, once the mailbox is closed.
        @discardableResult
        public func send(_ message: Message) -> Bool {
            queue.withLock { queue in
                guard let address = queue.asyncHandle,
                    let handle = unsafe UnsafeMutablePointer<uv_async_t>(bitPattern: address)
                else { return false }
                queue.messages.append(message)
                return unsafe uv_async_send(handle) == 0
            }
        }

        func open(_ handle: UnsafeMutablePointer<uv_async_t>) {
            let address = UInt(bitPattern: handle)
            queue.withLock { $0.asyncHandle = address }
        }

        func take() -> [Message] {
            queue.withLock { queue in
                defer { queue.messages = [] }
                return queue.messages
            }
        }

        func close() {
            // Released outside the lock: what a message holds may call back when it goes.
            let dropped = queue.withLock { queue in
                queue.asyncHandle = nil
                defer { queue.messages = [] }
                return queue.messages
            }
            withExtendedLifetime(dropped) {}
        }
    }
}
