import CLibUV
import Foundation
import NetBase
import Synchronization
import Testing

@testable import UV

extension UVTests {
    @Suite("Event loop")
    struct EventLoopTests {
        let loop: EventLoop
        init() throws { loop = try EventLoop() }

        @Test("A loop with nothing on it returns at once")
        func empty() {
            #expect(!loop.run())
            #expect(!loop.run(.once))
            #expect(!loop.run(.noWait))
        }

        @Test("Queued work runs later, in order, and what it queues itself runs after the sockets had a look")
        func enqueue() {
            var order: [Int] = []
            loop.enqueue {
                order.append(1)
                loop.enqueue { order.append(3) }
                #expect(order == [1])
            }
            loop.enqueue { order.append(2) }
            #expect(order.isEmpty)
            loop.run(.noWait)
            #expect(order == [1, 2])
            #expect(!loop.run())
            #expect(order == [1, 2, 3])
        }

        @Test("Work that queues itself for ever starves neither sockets nor timers")
        func enqueueDoesNotStarve() throws {
            // Closures of open handles that own the loop keep it until it is closed.
            defer { loop.close() }
            var isDone = false
            func again() { if !isDone { loop.enqueue(again) } }
            again()
            let a = try makeSocket(loop)
            var received = 0
            a.onDatagram = { _, _ in received += 1 }
            var fired = false
            let timer = Timer(on: loop) { fired = true }
            timer.start(after: .milliseconds(2))
            try a.send([1].span, to: a.localAddress)
            #expect(loop.run(until: { received == 1 && fired }, atMost: patience))
            isDone = true
        }

        @Test("Work queued from an event runs without waiting for another")
        func enqueueFromEvent() throws {
            // Closures of open handles that own the loop keep it until it is closed.
            defer { loop.close() }
            let socket = try makeSocket(loop)
            var ran = false
            socket.onDatagram = { _, _ in loop.enqueue { ran = true } }
            try socket.send([1].span, to: socket.localAddress)
            // The socket stays open, so a loop that waited would wait for ever: two turns have to do.
            loop.run(.once)
            #expect(!ran)
            loop.run(.once)
            #expect(ran)
        }

        @Test("Stopping ends a run that would go on, and the loop can run again")
        func stop() {
            // Closures of open handles that own the loop keep it until it is closed.
            defer { loop.close() }
            let timer = Timer(on: loop)
            var fires = 0
            timer.onFire = {
                fires += 1
                loop.stop()
            }
            timer.start(after: .zero, repeating: .milliseconds(1))
            #expect(loop.run())
            #expect(fires == 1)
            #expect(loop.run())
            #expect(fires == 2)
        }

        @Test("A bounded run ends when the condition holds, at the bound, and on stop")
        func runUntil() {
            let start = loop.now
            #expect(!loop.run(until: { false }, atMost: .milliseconds(30)))
            #expect(loop.now - start >= .milliseconds(30))
            #expect(loop.run(until: { true }, atMost: .zero))
            loop.enqueue { loop.stop() }
            #expect(!loop.run(until: { false }, atMost: patience))
        }

        @Test("A bounded run sleeps between turns")
        func runUntilSleeps() {
            var looks = 0
            _ = loop.run(
                until: {
                    looks += 1
                    return false
                }, atMost: .milliseconds(50))
            #expect(looks < 10)
        }

        @Test("Time stands still inside an event and is monotonic outside")
        func now() {
            var inside: [Instant] = []
            loop.enqueue { for _ in 0..<1000 { inside.append(loop.now) } }
            let before = loop.now
            loop.run()
            let after = loop.now
            #expect(Set(inside).count == 1)
            #expect(before <= inside[0] && inside[0] <= after)
            #expect((0..<1000).map { _ in loop.now }.last! > after)
        }

        @Test("Another thread's work runs on the loop's thread, all of it and in order")
        func execute() {
            let waker = loop.waker
            let count = Mutex(0)
            let isOrdered = Mutex(true)
            let main = pthread_self()
            nonisolatedRun(waker, 1000) { index in
                count.withLock { count in
                    if count != index { isOrdered.withLock { $0 = false } }
                    count += 1
                }
                #expect(pthread_equal(pthread_self(), main) != 0)
            }
            #expect(loop.run(until: { count.withLock { $0 == 1000 } }, atMost: patience))
            #expect(isOrdered.withLock { $0 })
        }

        @Test("Another thread's work wakes a sleeping loop")
        func executeWakes() throws {
            let socket = try makeSocket(loop)
            let waker = loop.waker
            let ran = Mutex(false)
            var fired = false
            let timer = Timer(on: loop) {
                fired = true
                Thread.detachNewThread { waker.execute { ran.withLock { $0 = true } } }
            }
            timer.start(after: .milliseconds(1))
            #expect(loop.run(until: { ran.withLock { $0 } }, atMost: patience))
            #expect(fired && !socket.isClosed)
        }

        @Test("Work handed over before the run is done by it, though it alone keeps no loop alive")
        func executeBeforeRun() {
            let ran = Mutex(0)
            loop.execute { ran.withLock { $0 += 1 } }
            #expect(!loop.run())
            #expect(ran.withLock { $0 } == 1)
            #expect(!loop.run())
        }

        @Test("A waker outlives its loop and refuses work then")
        func wakerAfterClose() throws {
            var loop: EventLoop? = try EventLoop()
            let waker = try #require(loop).waker
            let ran = Mutex(false)
            #expect(waker.execute { ran.withLock { $0 = true } })
            loop = nil
            #expect(!waker.execute { ran.withLock { $0 = true } })
            #expect(!ran.withLock { $0 })
        }

        @Test("Threads that hand over work while the loop closes meet no freed memory")
        func executeWhileClosing() throws {
            for _ in 0..<20 {
                let loop = try EventLoop()
                let waker = loop.waker
                let finished = DispatchSemaphore(value: 0)
                for _ in 0..<2 {
                    Thread.detachNewThread {
                        while waker.execute({}) {}
                        finished.signal()
                    }
                }
                _ = loop.run(until: { false }, atMost: .milliseconds(2))
                loop.close()
                finished.wait()
                finished.wait()
            }
        }

        @Test("The descriptor and the timeout let another loop wait for this one")
        func backend() throws {
            let descriptor = try #require(loop.backendFileDescriptor)
            #expect(descriptor >= 0)
            #expect(loop.backendTimeout == .zero)
            let socket = try makeSocket(loop)
            var received = false
            socket.onDatagram = { _, _ in received = true }
            loop.run(.noWait)
            #expect(loop.backendTimeout == nil)
            passTime(.milliseconds(20))
            let timer = Timer(on: loop)
            timer.start(after: .seconds(5))
            // libuv sleeps by its cached time, so starting a timer has to refresh it.
            #expect(unsafe 4000...5001 ~= uv_backend_timeout(loop.core.loop))
            passTime(.milliseconds(20))
            let timeout = try #require(loop.backendTimeout)
            #expect(timeout > .seconds(4) && timeout <= .milliseconds(4982))
            try socket.send([1].span, to: socket.localAddress)
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            #expect(unsafe poll(&entry, 1, 10_000) == 1)
            loop.run(.noWait)
            #expect(received)
            loop.updateTime()
        }

        @Test("A closed loop does nothing and says so")
        func closed() throws {
            loop.close()
            loop.close()
            #expect(loop.isClosed)
            #expect(!loop.run())
            #expect(!loop.run(until: { false }, atMost: patience))
            #expect(loop.backendFileDescriptor == nil && loop.backendTimeout == nil)
            #expect(!loop.execute {})
            loop.enqueue { Issue.record("ran after close") }
            loop.stop()
            loop.updateTime()
            #expect(throws: NetworkError.self) { try makeSocket(loop) }
            let timer = Timer(on: loop)
            timer.start(after: .zero)
            #expect(timer.isClosed && timer.nextFire == nil)
            loop.resolve("127.0.0.1") { _ in Issue.record("answered after close") }
        }

        @Test("Closing from inside an event ends the run, drops the queue and lets no event follow")
        func closeInsideEvent() throws {
            let socket = try makeSocket(loop)
            socket.onDatagram = { _, _ in Issue.record("a datagram after close") }
            try socket.send([1].span, to: socket.localAddress)
            var order: [Int] = []
            loop.enqueue {
                order.append(1)
                loop.close()
                order.append(2)
            }
            loop.enqueue { order.append(3) }
            #expect(!loop.run())
            #expect(order == [1, 2])
            #expect(socket.isClosed)
        }

        @Test("What closing lets go of may call the loop and its handles as it goes")
        func reentrantDeinit() throws {
            let timer = Timer(on: loop)
            let socket = try makeSocket(loop)
            let farewell = Farewell {
                loop.enqueue {}
                timer.close()
                socket.close()
                loop.close()
            }
            timer.onFire = { [farewell] in withExtendedLifetime(farewell) {} }
            socket.onDatagram = { [farewell] _, _ in withExtendedLifetime(farewell) {} }
            loop.enqueue { [farewell] in withExtendedLifetime(farewell) {} }
            loop.close()
            #expect(timer.isClosed && socket.isClosed)
        }
    }
}

/// Calls a closure when it goes.
final class Farewell {
    let onEnd: () -> Void
    init(_ onEnd: @escaping () -> Void) { self.onEnd = onEnd }
    deinit { onEnd() }
}

private func nonisolatedRun(_ waker: Waker, _ times: Int, _ work: @escaping @Sendable (Int) -> Void) {
    Thread.detachNewThread {
        for index in 0..<times { waker.execute { work(index) } }
    }
}
