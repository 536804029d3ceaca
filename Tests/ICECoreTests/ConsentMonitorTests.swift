import NetBase
import STUN
import Testing

@testable import ICECore

@Suite("E2: consent, and machines that sleep")
struct ConsentMonitorTests {
    private var generator = SeededGenerator(seed: 1)
    private var monitor: ConsentMonitor

    init() {
        monitor = ConsentMonitor(
            interval: .seconds(5), timeout: .seconds(30), confirmedAt: .ms(0), at: .ms(0), using: &generator)
    }

    /// Wakes at a time, and asks if that is due; gives what was due.
    private mutating func wake(at time: Int) -> ConsentMonitor.Step? {
        let step = monitor.advance(to: .ms(time), using: &generator)
        if step == .check { monitor.sent(Self.id(time), at: .ms(time), using: &generator) }
        return step
    }

    private static func id(_ time: Int) -> STUNTransactionID { STUNTransactionID(high: 0, low: UInt64(time)) }

    @Test("E2.2: after a sleep the peer gets 2 s to answer a fresh check, though its consent ran out meanwhile")
    mutating func slept() {
        #expect(wake(at: 100_000) == .check)
        #expect(wake(at: 101_999) == nil)
        #expect(wake(at: 102_000) == .expired)
    }

    @Test("E2.2: who sleeps again before the peer has answered gives it no more time")
    mutating func sleptTwice() {
        #expect(wake(at: 100_000) == .check)
        #expect(wake(at: 110_000) == .expired)
    }

    @Test("E2.2: an answer in between lets the next sleep count again")
    mutating func answeredBetween() {
        #expect(wake(at: 100_000) == .check)
        #expect(monitor.answered(Self.id(100_000), at: .ms(100_050)) == .milliseconds(50))
        #expect(wake(at: 200_000) == .check)
        #expect(wake(at: 202_000) == .expired)
        #expect(monitor.answered(Self.id(200_000), at: .ms(202_001)) == nil)
        #expect(monitor.deadline == nil)
    }

    @Test("E2.2: a check that is a little late is no sleep")
    mutating func late() {
        for time in stride(from: 2_000, to: 30_000, by: 2_000) { #expect(wake(at: time) != .expired) }
        #expect(wake(at: 30_000) == .expired)
    }

    @Test("a peer that was silent for a while and answers again leaves no memory in use")
    mutating func memory() {
        for time in stride(from: 6_000, through: 24_000, by: 6_000) { #expect(wake(at: time) == .check) }
        #expect(monitor.pending.count == 4)
        #expect(monitor.answered(Self.id(24_000), at: .ms(24_050)) == .milliseconds(50))
        #expect(monitor.pending.capacity == 0)
    }
}
