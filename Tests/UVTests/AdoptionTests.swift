import CLibUV
import NetBase
import Testing

@testable import UV

extension UVTests {
    @Suite("Adopting a host's loop")
    struct AdoptionTests {
        /// Plays the host: makes a loop with a timer of its own, lends it out, and expects to close it in the end.
        private func withHostLoop(_ body: (UnsafeMutablePointer<uv_loop_t>) throws -> Void) throws {
            let host = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
            let timer = UnsafeMutablePointer<uv_timer_t>.allocate(capacity: 1)
            #expect(unsafe uv_loop_init(host) == 0)
            unsafe uv_timer_init(host, timer)
            unsafe timer.pointee.data = nil
            try unsafe body(host)
            unsafe uv_close(UnsafeMutableRawPointer(timer).assumingMemoryBound(to: uv_handle_t.self), nil)
            unsafe uv_run(host, UV_RUN_DEFAULT)
            #expect(unsafe uv_loop_close(host) == 0)
            unsafe timer.deallocate()
            unsafe host.deallocate()
        }

        @Test("The host turns the loop, and ours comes and goes without touching the host's handles")
        func hostRuns() throws {
            try unsafe withHostLoop { host in
                let loop = try unsafe EventLoop(adopting: host)
                let socket = try makeSocket(loop)
                var received = 0
                socket.onDatagram = { _, _ in
                    received += 1
                    socket.close()
                }
                try socket.send([1].span, to: socket.localAddress)
                unsafe uv_run(host, UV_RUN_DEFAULT)
                #expect(received == 1)
                loop.enqueue { received += 1 }
                unsafe uv_run(host, UV_RUN_DEFAULT)
                #expect(received == 2)
                #expect(handleCount(loop) == 4)
                loop.close()
                #expect(loop.isClosed)
                unsafe uv_run(host, UV_RUN_DEFAULT)
            }
        }

        @Test("Letting go of the object closes our handles only", arguments: HandleKind.allCases)
        func letGo(kind: HandleKind) throws {
            weak var weakHandle: Handle?
            weak var weakCore: LoopCore?
            try unsafe withHostLoop { host in
                do {
                    let loop = try unsafe EventLoop(adopting: host)
                    weakCore = loop.core
                    weakHandle = try kind.make(on: loop)
                }
                unsafe uv_run(host, UV_RUN_DEFAULT)
                #expect(weakHandle == nil)
                #expect(weakCore == nil)
            }
        }

        @Test("The adopting object can run the loop too, and be closed from inside an event")
        func weRun() throws {
            try unsafe withHostLoop { host in
                let loop = try unsafe EventLoop(adopting: host)
                let timer = Timer(on: loop) { loop.close() }
                timer.start(after: .milliseconds(1))
                #expect(!loop.run())
                #expect(timer.isClosed)
            }
        }
    }
}
