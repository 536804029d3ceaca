import Foundation
import Testing

@testable import TraceReport

/// Whoever signals candidates decides how long a trace becomes; it is read in one go however long that is.
@Suite("Long traces")
struct LongTraceTests {
    private static let count = 20_000

    /// Each candidate comes twice, has a check before its pair, and then its pair; the local ones go again.
    private func report() throws -> CallReport {
        var text = #"{"event":"gathering-started","time":0}"# + "\n"
        func add(_ kind: String, _ time: Int, _ fields: String) {
            text += #"{"event":"\#(kind)","time":\#(time),\#(fields)}"# + "\n"
        }
        func address(_ number: Int) -> String { "198.51.\(number % 250).\(number / 250 + 1)" }
        for number in 0..<Self.count {
            let place = "\(address(number)):4000"
            let remote = "candidate:\(number) 1 udp 1 \(address(number)) 4000 typ host"
            let local = "candidate:\(number) 1 udp 1 \(address(number)) 5000 typ host"
            for _ in 0..<2 {
                add("remote-candidate", number, #""candidateId":"R\#(number)","candidate":"\#(remote)""#)
                add("local-candidate", number, #""candidateId":"L\#(number)-x","candidate":"\#(local)""#)
            }
            add("check-received", number, #""source":"\#(place)","localCandidateId":"L1-x""#)
            let pair = "192.0.2.1:5000 (host) - \(place) (host)"
            add(
                "pair-formed", number,
                #""pairId":"P\#(number)","pair":"\#(pair)","localCandidateId":"L1-x","remoteCandidateId":"R\#(number)""#
            )
        }
        for number in 0..<Self.count {
            let local = "candidate:\(number) 1 udp 1 \(address(number)) 5000 typ host"
            add("candidate-removed", Self.count, #""candidateId":"L\#(number)-x","candidate":"\#(local)""#)
        }
        return CallReport(try Trace(Data(text.utf8), name: "long"))
    }

    @Test("Every candidate is known once, and every check is its pair's", .timeLimit(.minutes(2)))
    func candidates() throws {
        let report = try report()
        let call = report.call
        #expect(call.remote.count == Self.count && call.local.count == Self.count && call.pairs.count == Self.count)
        #expect(call.local.allSatisfy { $0.removedAt == Double(Self.count) })
        #expect(call.pairs.allSatisfy { $0.received.count == 1 && $0.answersSent == 1 })
        #expect(call.generation.strays.isEmpty)
        #expect(!report.text().isEmpty)
    }
}
