import NetBase
import Testing

@testable import ICECore

@Suite("What continual gathering remembers of relays")
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
}
