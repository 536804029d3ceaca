import NetBase
import Testing

@testable import ICECore

@Suite("Signs of life")
struct LivenessMonitorTests {
    private var generator = Zeros()
    private var monitor: LivenessMonitor

    /// With it, every interval is the shortest one.
    private struct Zeros: RandomNumberGenerator {
        mutating func next() -> UInt64 { 0 }
    }

    init() { monitor = LivenessMonitor(at: .ms(0), using: &generator) }

    /// Lets time pass, and asks when it is due; gives the instants of the requests.
    private mutating func run(to end: Int, roundTrip: Duration? = .milliseconds(20)) -> [Int64] {
        var asked: [Int64] = []
        while monitor.deadline <= .ms(end) {
            let now = monitor.deadline
            guard monitor.advance(to: now) else { continue }
            monitor.asked(at: now, roundTrip: roundTrip, using: &generator)
            asked.append(now.nanoseconds / 1_000_000 - 1_000_000)
        }
        return asked
    }

    @Test("In silence the peer is asked after 4 s, soon again, then once a second")
    mutating func quiet() {
        var asked = run(to: 4999)
        #expect(asked == [4000, 4100, 4200, 4300, 4500, 4900])
        #expect(monitor.isDoubtful && !monitor.isSilent)
        asked = run(to: 8800)
        #expect(asked == [5700, 6700, 7700, 8700])
        #expect(monitor.isSilent)
        monitor.heard(at: .ms(9000))
        #expect(!monitor.isDoubtful && !monitor.isSilent && !monitor.isExpecting)
    }

    @Test("Three requests have to go unanswered before the path is in doubt")
    mutating func doubt() {
        var asked: [Int64] = []
        monitor.sentData(at: .ms(100))
        asked = run(to: 899)
        #expect(asked == [600, 700, 800])
        #expect(!monitor.isDoubtful)
        #expect(monitor.repeatedSince == .ms(600))
        asked = run(to: 900)
        #expect(asked == [900])
        #expect(monitor.isDoubtful)
    }

    @Test("What was heard before the request is no answer to it")
    mutating func early() {
        var asked: [Int64] = []
        monitor.sentData(at: .ms(100))
        asked = run(to: 650)
        #expect(asked == [600])
        monitor.heard(at: .ms(599))
        #expect(monitor.isExpecting)
        monitor.heard(at: .ms(620))
        #expect(!monitor.isExpecting)
    }

    @Test("A long round trip is waited for")
    mutating func far() {
        var asked: [Int64] = []
        monitor.sentData(at: .ms(0))
        asked = run(to: 1200, roundTrip: .milliseconds(600))
        #expect(asked == [500])
        asked = run(to: 1300, roundTrip: .milliseconds(600))
        #expect(asked == [1300])
    }

    @Test("E8.1: after a long sleep the peer is asked before it is taken for gone")
    mutating func suspension() {
        let isDue = monitor.advance(to: .ms(60_000))
        #expect(isDue)
        monitor.asked(at: .ms(60_000), roundTrip: nil, using: &generator)
        #expect(!monitor.isSilent)
        _ = monitor.advance(to: .ms(60_050))
        #expect(!monitor.isSilent)
        _ = run(to: 60_600)
        #expect(monitor.isSilent)
    }
}
