import ICETesting
import NetBase
import STUN
import Testing

@testable import ICE

@Suite("What a shared port remembers of questions")
struct RecentQuestionsTests {
    private let port: SharedPort
    private let view: PortView
    private let network = SimulatedNetwork(seed: 1)

    init() throws {
        let host = network.makeHost("server", addresses: ["192.0.2.10"])
        port = try SharedPort(on: host, configuration: SharedPortConfiguration(port: 4000))
        view = try PortMember(of: port, isLite: false).makeView(on: "192.0.2.10")
    }

    private static func id(_ number: Int) -> STUNTransactionID {
        STUNTransactionID(high: 0, low: UInt64(number))
    }

    private static func address(_ number: Int) -> TransportAddress {
        TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32(number)), port: 7000)
    }

    @Test("A question is known for as long as an answer may come, and then forgotten")
    func time() {
        var questions = RecentQuestions()
        for second in 0...30 {
            let now = Instant(nanoseconds: Int64(second) * 1_000_000_000)
            questions.note(Self.id(second), to: Self.address(second), by: view, at: now)
            for age in 0...min(second, 7) { #expect(questions.asker(of: Self.id(second - age)) === view) }
            if second > 16 { #expect(questions.asker(of: Self.id(second - 17)) == nil) }
        }
    }

    @Test("However many questions there are in a moment, the latest are known, and no more than a bounded number")
    func count() {
        var questions = RecentQuestions()
        let now = Instant(nanoseconds: 0)
        let limit = RecentQuestions.limit
        var most = 0
        for number in 0..<limit * 5 / 2 {
            questions.note(Self.id(number), to: Self.address(number), by: view, at: now)
            most = max(most, questions.count)
        }
        #expect(most <= 2 * limit)
        let latest = limit * 5 / 2 - 1
        for number in [latest, latest - limit] {
            #expect(questions.asker(of: Self.id(number)) === view)
            #expect(questions.asker(at: Self.address(number)) === view)
        }
        for number in [0, limit / 4] {
            #expect(questions.asker(of: Self.id(number)) == nil)
            #expect(questions.asker(at: Self.address(number)) == nil)
        }
    }
}
