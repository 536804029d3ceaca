import NetBase
import Testing

@testable import UV

extension UVTests {
    @Suite("Timer")
    struct TimerTests {
        let loop: EventLoop
        init() throws { loop = try EventLoop() }

        @Test("A timer never fires before its instant", arguments: [0, 1, 700, 999, 1000, 1001, 2500, 7300])
        func neverEarly(microseconds: Int) {
            for offset in 0..<8 {
                var firedAt: Instant?
                let timer = Timer(on: loop) { firedAt = .systemNow }
                let due = loop.now + .microseconds(microseconds) + .nanoseconds(offset * 137_000)
                timer.start(at: due)
                loop.run()
                #expect(firedAt != nil)
                if let firedAt { #expect(firedAt >= due) }
                #expect(timer.nextFire == nil)
                timer.close()
            }
        }

        @Test("A delay counts from the start, not from when the loop last looked at the clock")
        func staleLoopTime() {
            var firedAt: Instant?
            var startedAt: Instant?
            let timer = Timer(on: loop) { firedAt = .systemNow }
            loop.enqueue {
                passTime(.milliseconds(15))
                startedAt = .systemNow
                timer.start(after: .milliseconds(10))
            }
            loop.run()
            if let firedAt, let startedAt { #expect(firedAt - startedAt >= .milliseconds(10)) }
            #expect(firedAt != nil)
        }

        @Test("A repeating timer fires at its intervals and not early, until it is stopped")
        func repeating() {
            var times: [Instant] = []
            let timer = Timer(on: loop)
            timer.onFire = {
                times.append(.systemNow)
                if times.count == 5 { timer.stop() }
            }
            let start = loop.now
            timer.start(at: start + .milliseconds(3), repeating: .milliseconds(3))
            loop.run()
            #expect(times.count == 5)
            for (index, time) in times.enumerated() {
                #expect(time - start >= .milliseconds(3 * (index + 1)))
            }
        }

        @Test("Intervals that were missed are left out")
        func missedIntervals() {
            var times: [Instant] = []
            let timer = Timer(on: loop)
            let start = loop.now
            timer.onFire = {
                times.append(.systemNow)
                if times.count == 2 { timer.stop() }
                while Instant.systemNow - start < .milliseconds(25) {}
            }
            timer.start(at: start, repeating: .milliseconds(10))
            loop.run()
            #expect(times.count == 2)
            #expect(times[1] - start >= .milliseconds(30))
        }

        @Test("A timer that is due never fires inside the call, and starting replaces the earlier setting")
        func replaced() {
            var fires = 0
            let timer = Timer(on: loop) { fires += 1 }
            timer.start(after: .zero)
            #expect(fires == 0)
            timer.start(after: .milliseconds(1))
            timer.start(at: loop.now - .seconds(1))
            timer.start(after: .milliseconds(5))
            let start = loop.now
            loop.run()
            #expect(fires == 1)
            #expect(loop.now - start >= .milliseconds(4))
        }

        @Test("A stopped timer does not fire, due or not, and can start again")
        func stopped() {
            var fires = 0
            let timer = Timer(on: loop) { fires += 1 }
            timer.start(after: .zero)
            timer.stop()
            timer.start(after: .milliseconds(1))
            timer.stop()
            #expect(!loop.run())
            #expect(fires == 0)
            timer.start(after: .milliseconds(1))
            loop.run()
            #expect(fires == 1)
        }

        @Test("A timer that sets itself for now each time shuts nothing else out")
        func alwaysDue() throws {
            let socket = try makeSocket(loop)
            var received = false
            socket.onDatagram = { _, _ in received = true }
            let timer = Timer(on: loop)
            var fires = 0
            timer.onFire = {
                fires += 1
                if fires < 10_000 { timer.start(at: loop.now - .seconds(1)) }
            }
            timer.start(after: .milliseconds(1))
            try socket.send([1].span, to: socket.localAddress)
            #expect(loop.run(until: { received && fires > 0 }, atMost: patience))
            #expect(fires < 10_000)
            timer.close()
        }

        @Test("Timers fire in the order of their instants")
        func order() {
            var order: [Int] = []
            let start = loop.now
            for delay in [9, 3, 6] {
                Timer(on: loop) { order.append(delay) }.start(at: start + .milliseconds(delay))
            }
            loop.run()
            #expect(order == [3, 6, 9])
        }

        @Test("A timer that does not keep the loop alive does not hold up the run")
        func keepsLoopAlive() {
            let timer = Timer(on: loop) { Issue.record("fired") }
            #expect(timer.keepsLoopAlive)
            timer.keepsLoopAlive = false
            timer.start(after: .seconds(60))
            #expect(!loop.run())
        }
    }
}
