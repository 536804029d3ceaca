import NetBase
import Testing

@testable import UV

extension UVTests {
    @Suite("Alarms of a loop")
    struct AlarmTests {
        let loop: EventLoop
        init() throws { loop = try EventLoop() }

        @Test("They go in the order of their instants, none before its own, and over one timer of libuv's")
        func order() {
            let handles = handleCount(loop)
            var fired: [Int] = []
            var early = 0
            let start = loop.now
            let delays = (0..<300).map { ($0 * 7919) % 300 }
            let alarms = delays.map { delay in
                let instant = start + .microseconds(delay * 50)
                let alarm = loop.makeAlarm {
                    fired.append(delay)
                    if Instant.systemNow < instant { early += 1 }
                }
                alarm.set(for: instant)
                return alarm
            }
            #expect(handleCount(loop) == handles + 1)
            loop.run()
            #expect(fired == (0..<300).map { $0 })
            #expect(early == 0)
            for alarm in alarms { alarm.close() }
        }

        @Test("Where very many are due at once, others have their turn between them")
        func crowd() {
            var order: [String] = []
            let alarms = (0..<200).map { _ in loop.makeAlarm { order.append("alarm") } }
            let start = loop.now
            for alarm in alarms { alarm.set(for: start) }
            alarms[0].close()
            let first = loop.makeAlarm { [loop] in loop.enqueue { order.append("other") } }
            first.set(for: start - .seconds(1))
            loop.run()
            #expect(order.count == 200)
            #expect(order.firstIndex(of: "other").map { $0 < 150 } == true)
            for alarm in alarms { alarm.close() }
            first.close()
        }

        @Test("After the loop was held up, what came in meanwhile goes before an alarm that waits for it")
        func heldUp() throws {
            var order: [String] = []
            let receiver = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
            let sender = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
            receiver.onDatagram = { _, _ in order.append("answer") }
            let alarm = loop.makeAlarm { order.append("alarm") }
            try sender.send([1].span, to: receiver.localAddress)
            alarm.set(for: loop.now - .milliseconds(500))
            #expect(loop.run(until: { order.count == 2 }, atMost: .seconds(10)))
            #expect(order == ["answer", "alarm"])
            alarm.close()
            sender.close()
            receiver.close()
        }

        @Test("One that is set for now waits for what has arrived, beside others too", arguments: [false, true])
        func behindSockets(hasOther: Bool) throws {
            var order: [String] = []
            let receiver = try makeSocket(loop)
            let sender = try makeSocket(loop)
            let other = loop.makeAlarm { order.append("other") }
            let alarm = loop.makeAlarm { order.append("alarm") }
            receiver.onDatagram = { [loop] _, _ in
                order.append("first")
                alarm.set(for: loop.now)
                receiver.onDatagram = { _, _ in order.append("second") }
                try? sender.send([2].span, to: receiver.localAddress)
            }
            try sender.send([1].span, to: receiver.localAddress)
            if hasOther { other.set(for: loop.now) }
            #expect(loop.run(until: { order.count == (hasOther ? 4 : 3) }, atMost: patience))
            #expect(order.filter { $0 != "other" } == ["first", "second", "alarm"])
            for alarm in [alarm, other] { alarm.close() }
            for socket in [sender, receiver] { socket.close() }
        }

        @Test("One that is set again goes at the last instant alone, and one that is cancelled or closed not at all")
        func changes() {
            var fired: [String] = []
            let start = loop.now
            let moved = loop.makeAlarm { fired.append("moved") }
            let advanced = loop.makeAlarm { fired.append("advanced") }
            let cancelled = loop.makeAlarm { fired.append("cancelled") }
            let closed = loop.makeAlarm { fired.append("closed") }
            for alarm in [cancelled, closed] { alarm.set(for: start + .milliseconds(2)) }
            moved.set(for: start + .milliseconds(1))
            moved.set(for: start + .milliseconds(4))
            advanced.set(for: start + .seconds(60))
            advanced.set(for: start + .milliseconds(3))
            cancelled.cancel()
            closed.close()
            closed.set(for: start)
            loop.run()
            #expect(fired == ["advanced", "moved"])
        }

        @Test("What an alarm does to others that are due at the same moment holds")
        func sameMoment() {
            var fired: [Int] = []
            var alarms: [LoopAlarm] = []
            let start = loop.now
            for number in 0..<4 {
                let alarm = loop.makeAlarm {
                    fired.append(number)
                    guard number == 0 else { return }
                    alarms[1].cancel()
                    alarms[2].close()
                    alarms[3].set(for: start + .milliseconds(5))
                }
                alarm.set(for: start + .microseconds(number))
                alarms.append(alarm)
            }
            passTime(.milliseconds(1))
            loop.run()
            #expect(fired == [0, 3])
            #expect(Instant.systemNow >= start + .milliseconds(5))
        }

        @Test("One that sets itself for now each time leaves turns to others")
        func fairness() throws {
            var isHeard = false
            let socket = try makeSocket(loop)
            socket.onDatagram = { _, _ in isHeard = true }
            var alarm: LoopAlarm?
            alarm = loop.makeAlarm { [loop] in alarm?.set(for: loop.now) }
            alarm?.set(for: loop.now)
            try socket.send([1].span, to: socket.localAddress)
            #expect(loop.run(until: { isHeard }, atMost: patience))
            alarm?.close()
            socket.close()
        }

        @Test("The loop lives for alarms that are set, and for no others")
        func keepsAlive() {
            let alarm = loop.makeAlarm {}
            #expect(!loop.run(.noWait))
            alarm.set(for: loop.now + .seconds(60))
            #expect(loop.run(.noWait))
            alarm.cancel()
            #expect(!loop.run(.noWait))
            alarm.set(for: loop.now + .seconds(60))
            alarm.close()
            #expect(!loop.run(.noWait))
        }

        @Test("A closed alarm is freed, and those of a loop that is let go are, though their closures hold on to them")
        func freed() throws {
            weak var closed: LoopAlarm?
            weak var left: LoopAlarm?
            weak var late: LoopAlarm?
            do {
                let loop = try EventLoop()
                let first = loop.makeAlarm {}
                first.set(for: loop.now + .seconds(60))
                first.close()
                closed = first
                var second: LoopAlarm?
                second = loop.makeAlarm { second?.cancel() }
                second?.set(for: loop.now + .seconds(60))
                left = second
                loop.close()
                var third: LoopAlarm?
                third = loop.makeAlarm { third?.cancel() }
                third?.set(for: loop.now)
                late = third
                (second, third) = (nil, nil)
            }
            #expect(closed == nil && left == nil && late == nil)
        }
    }

    @Suite("The heap of alarms")
    struct AlarmHeapTests {
        @Test("Whatever is set, set anew and taken out, the first one is the earliest", arguments: 0..<10)
        func random(_ seed: UInt64) {
            var state = seed
            func next(_ limit: Int) -> Int {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int(state >> 33) % limit
            }
            var heap = AlarmHeap()
            var expected: [Int32: Int64] = [:]
            var slots: [Int32] = []
            for _ in 0..<2_000 {
                switch next(6) {
                case 0: slots.append(heap.makeSlot())
                case 1 where !slots.isEmpty:
                    let slot = slots.remove(at: next(slots.count))
                    heap.free(slot)
                    expected[slot] = nil
                case 2 where !slots.isEmpty:
                    let slot = slots[next(slots.count)]
                    heap.remove(slot)
                    expected[slot] = nil
                default:
                    guard !slots.isEmpty else { continue }
                    let slot = slots[next(slots.count)]
                    let time = Int64(next(500))
                    heap.set(slot, to: time)
                    expected[slot] = time
                }
                #expect(heap.first?.time == expected.values.min())
                #expect(heap.count == expected.count)
            }
            var last = Int64.min
            while let first = heap.first {
                #expect(first.time >= last && expected[first.slot] == first.time)
                last = first.time
                heap.remove(first.slot)
            }
        }
    }
}
