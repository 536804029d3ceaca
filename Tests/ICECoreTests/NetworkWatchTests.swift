import NetBase
import Testing

@testable import ICECore

@Suite("What continual gathering remembers of relays, and of servers that failed")
struct NetworkWatchTests {
    @Test(
        "A relay that is lost soon after another is not asked for at once, and the pause doubles until it has been calm for as long"
    )
    func lostRelays() {
        var watch = NetworkWatch()
        let isCalm = { (milliseconds: Int) in watch.noteLostRelay(at: .ms(milliseconds)) }
        #expect(isCalm(0))
        // What goes at one moment goes for one reason.
        #expect(isCalm(100))
        #expect(!isCalm(1_000))
        #expect(!isCalm(1_200))
        // The pause is 4 s now, then 8 s.
        #expect(!isCalm(4_900))
        #expect(!isCalm(12_800))
        #expect(isCalm(29_000))
        // And 2 s again.
        #expect(isCalm(31_100))
        #expect(!isCalm(33_000))
    }

    @Test("The pause has an end at five minutes")
    func longestPause() {
        var watch = NetworkWatch()
        let note = { (milliseconds: Int) in watch.noteLostRelay(at: .ms(milliseconds)) }
        var time = 0
        for _ in 0..<20 {
            _ = note(time)
            time += 1_000
        }
        #expect(!note(time))
        #expect(note(time + 300_000))
    }

    @Test("A path that has held makes the next retry a quick one again, and one that has not does not")
    func urgentRetries() {
        var watch = NetworkWatch()
        /// How long servers wait once a path is lost that was there for so long.
        let lose = { (held: Duration, now: Instant) -> Duration? in
            watch.note(hasPath: true, at: now)
            watch.note(hasPath: false, at: now + held)
            watch.scheduleRetry(at: now + held, isUrgent: true)
            defer { watch.retried() }
            return watch.retryTime.map { $0 - now - held }
        }
        #expect(lose(.seconds(1), .ms(0)) == .milliseconds(500))
        #expect(lose(.seconds(9), .ms(20_000)) == .seconds(1))
        #expect(lose(.seconds(9), .ms(40_000)) == .seconds(2))
        #expect(lose(.seconds(10), .ms(60_000)) == .milliseconds(500))
    }
}
