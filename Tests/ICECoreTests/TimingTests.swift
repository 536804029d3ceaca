import NetBase
import STUN
import Testing

@testable import ICECore

/// Grants a slot of the process when the one before is over.
private final class SpacingGovernor: PacingGovernor {
    private var next: Instant?

    func claim(at now: Instant, spacing: Duration) -> Instant? {
        let slot = max(next ?? now, now)
        next = slot + spacing
        return slot == now ? nil : slot
    }
}

@Suite("Pacing")
struct PacerTests {
    private func pacer(_ governor: any PacingGovernor = SpacingGovernor(), spacing: Duration? = nil) -> Pacer {
        Pacer(interval: .milliseconds(50), processSpacing: spacing, governor: governor)
    }

    @Test("C1.7: ordinary transactions start one in Ta, the first at once (RFC 8445 §14.2)")
    func ordinary() {
        var pacer = pacer()
        #expect(pacer.earliestStart(urgent: false) == nil)
        let starts = (0...200).filter { pacer.claim(urgent: false, at: .ms($0)) }
        #expect(starts == [0, 50, 100, 150, 200])
        #expect(pacer.earliestStart(urgent: false) == .ms(250))
    }

    @Test("Slots that passed unused are not made up for by ordinary transactions")
    func noBurst() {
        var pacer = pacer()
        #expect(pacer.claim(urgent: false, at: .ms(0)) == true)
        #expect(pacer.claim(urgent: false, at: .ms(1000)) == true)
        #expect(pacer.claim(urgent: false, at: .ms(1049)) == false)
        #expect(pacer.claim(urgent: false, at: .ms(1050)) == true)
    }

    @Test("C1.7: urgent transactions draw on three slots, which ordinary ones then wait for")
    func credit() {
        var pacer = pacer()
        #expect(pacer.claim(urgent: false, at: .ms(0)) == true)
        let urgent = (0..<5).filter { _ in pacer.claim(urgent: true, at: .ms(0)) }
        #expect(urgent.count == 3)
        #expect(pacer.earliestStart(urgent: true) == .ms(50) && pacer.earliestStart(urgent: false) == .ms(200))
        #expect(pacer.claim(urgent: false, at: .ms(199)) == false)
        #expect(pacer.claim(urgent: false, at: .ms(200)) == true)
    }

    @Test("However urgent, the rate over time stays one in Ta")
    func urgentRate() {
        var pacer = pacer()
        let starts = (0..<1000).filter { pacer.claim(urgent: true, at: .ms($0)) }
        #expect(starts.count == 1000 / 50 + Pacer.credit)
    }

    @Test("A shorter Ta holds from the next slot on")
    func change() {
        var pacer = pacer()
        #expect(pacer.claim(urgent: false, at: .ms(0)) == true)
        pacer.interval = .milliseconds(5)
        #expect(pacer.claim(urgent: false, at: .ms(50)) == true)
        #expect(pacer.claim(urgent: false, at: .ms(55)) == true)
    }

    @Test("C1.7: of the agents of a process, who asked first comes first, however eager another one is")
    func fairness() {
        let governor = SpacingGovernor()
        var busy = pacer(governor, spacing: .milliseconds(5))
        var patient = pacer(governor, spacing: .milliseconds(5))
        busy.interval = .milliseconds(5)
        #expect(busy.claim(urgent: true, at: .ms(0)) == true)
        #expect(patient.claim(urgent: true, at: .ms(1)) == false)
        // The other one's timer fires a moment earlier each time.
        #expect(busy.claim(urgent: true, at: .ms(4)) == false)
        #expect(busy.claim(urgent: true, at: .ms(5)) == false)
        #expect(patient.claim(urgent: true, at: .ms(6)) == true)
        #expect(busy.claim(urgent: true, at: .ms(10)) == true)
        // A slot that was let pass is nobody's any more.
        #expect(patient.claim(urgent: true, at: .ms(100)) == true)
        #expect(busy.claim(urgent: true, at: .ms(101)) == false)
    }

    @Test("C1.7: the agents of a process start no two transactions within its spacing")
    func process() {
        let governor = SpacingGovernor()
        var first = pacer(governor, spacing: .milliseconds(5))
        var second = pacer(governor, spacing: .milliseconds(5))
        var free = pacer(governor)
        #expect(first.claim(urgent: true, at: .ms(0)) == true)
        #expect(second.claim(urgent: true, at: .ms(0)) == false)
        #expect(second.earliestStart(urgent: true) == .ms(5))
        #expect(free.claim(urgent: true, at: .ms(0)) == true)
        #expect(second.claim(urgent: true, at: .ms(4)) == false)
        #expect(second.claim(urgent: true, at: .ms(5)) == true)
        #expect(second.earliestStart(urgent: false) == .ms(55))
    }
}

@Suite("Consent")
struct ConsentTests {
    private static let id = STUNTransactionID(high: 1, low: 2)
    private var generator = SeededGenerator(seed: 7)

    private mutating func monitor(_ interval: Duration = .seconds(5)) -> ConsentMonitor {
        ConsentMonitor(interval: interval, timeout: .seconds(30), confirmedAt: .ms(0), at: .ms(0), using: &generator)
    }

    @Test(
        "E2.1: checks are 4 to 6 s apart, unevenly, and do not wait for answers (RFC 7675 §5.1)", arguments: [1, 4, 5])
    mutating func jitter(interval: Int) {
        var monitor = monitor(.seconds(interval))
        var last = Instant.ms(0)
        var distances: [Duration] = []
        for number in 0..<500 {
            let due = monitor.nextCheck
            #expect(monitor.advance(to: due - .nanoseconds(1), using: &generator) == nil)
            #expect(monitor.advance(to: due, using: &generator) == .check)
            distances.append(due - last)
            last = due
            let id = STUNTransactionID(high: 0, low: UInt64(number))
            monitor.sent(id, at: due, using: &generator)
            _ = monitor.answered(id, at: due)
        }
        #expect(distances.allSatisfy { .seconds(4) <= $0 && $0 <= .seconds(6) })
        let shortest = distances.min() ?? .zero
        let longest = distances.max() ?? .zero
        #expect(shortest < .milliseconds(4300) && longest > .milliseconds(5700))
    }

    @Test("A longer interval is kept")
    mutating func longInterval() {
        let monitor = monitor(.seconds(15))
        #expect(.seconds(12) <= monitor.nextCheck - .ms(0) && monitor.nextCheck - .ms(0) <= .seconds(18))
    }

    @Test("E2.2: without an answer consent expires at 30 s, and a late answer does not bring it back (RFC 7675 §5.1)")
    mutating func expiry() {
        var monitor = monitor()
        monitor.sent(Self.id, at: .ms(5000), using: &generator)
        var now = Instant.ms(0)
        var checks = 0
        while let deadline = monitor.deadline {
            now = deadline
            guard monitor.advance(to: now, using: &generator) == .check else { continue }
            monitor.sent(Self.id, at: now, using: &generator)
            checks += 1
        }
        #expect(now == .ms(30_000) && 4...7 ~= checks)
        #expect(monitor.answered(Self.id, at: now) == nil)
        #expect(monitor.deadline == nil && monitor.advance(to: .ms(40_000), using: &generator) == nil)
    }

    @Test("An answer renews consent for 30 s and gives its round trip")
    mutating func renewal() {
        var monitor = monitor()
        monitor.sent(Self.id, at: .ms(5000), using: &generator)
        #expect(monitor.isWaiting(for: Self.id))
        #expect(monitor.answered(Self.id, at: .ms(5080)) == .milliseconds(80))
        #expect(!monitor.isWaiting(for: Self.id))
        monitor.sent(STUNTransactionID(high: 0, low: 9), at: .ms(33_000), using: &generator)
        #expect(monitor.advance(to: .ms(35_079), using: &generator) == nil)
        #expect(monitor.advance(to: .ms(35_080), using: &generator) == .expired)
    }

    @Test("An answer to no request of ours renews nothing, and none renews twice")
    mutating func strangers() {
        var monitor = monitor()
        #expect(monitor.answered(Self.id, at: .ms(20_000)) == nil)
        monitor.sent(Self.id, at: .ms(1000), using: &generator)
        #expect(monitor.answered(Self.id, at: .ms(1000)) == .zero)
        #expect(monitor.answered(Self.id, at: .ms(20_000)) == nil)
        monitor.sent(STUNTransactionID(high: 0, low: 9), at: .ms(28_000), using: &generator)
        #expect(monitor.advance(to: .ms(31_000), using: &generator) == .expired)
    }

    @Test("E8.1: a machine that slept through the timeout gets an answer's time before consent is gone")
    mutating func suspension() {
        var monitor = monitor()
        monitor.sent(STUNTransactionID(high: 0, low: 1), at: .ms(5000), using: &generator)
        #expect(monitor.advance(to: .ms(100_000), using: &generator) == .check)
        monitor.sent(Self.id, at: .ms(100_000), using: &generator)
        var silent = monitor
        #expect(silent.advance(to: .ms(101_999), using: &generator) == nil)
        #expect(silent.advance(to: .ms(102_000), using: &generator) == .expired)
        #expect(monitor.answered(Self.id, at: .ms(100_050)) == .milliseconds(50))
        #expect(monitor.advance(to: .ms(102_000), using: &generator) == nil)
    }

    @Test("Revoked consent is gone at once (RFC 7675 §5.2)")
    mutating func revocation() {
        var monitor = monitor()
        monitor.sent(Self.id, at: .ms(5000), using: &generator)
        monitor.revoke()
        #expect(monitor.deadline == nil && monitor.answered(Self.id, at: .ms(5001)) == nil)
        #expect(monitor.advance(to: .ms(6000), using: &generator) == nil)
    }
}
