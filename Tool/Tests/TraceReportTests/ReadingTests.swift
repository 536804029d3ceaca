import Foundation
import Testing

@testable import TraceReport

@Suite("Reading a saved trace")
struct ReadingTests {
    private static let lines = """
        {"event":"gathering-started","generation":0,"time":0}
        {"event":"state-change","state":"checking","time":12.5}

        """

    private func read(_ text: String) throws -> Trace { try Trace(Data(text.utf8), name: "test") }

    @Test("Events and fields of other versions are kept, and told of")
    func unknown() throws {
        let trace = try read(
            Self.lines + #"{"event":"teleported","time":13,"how":{"far":[1,2],"yes":true},"why":null}"# + "\n")
        #expect(trace.events.count == 3)
        #expect(trace.events[2].details == "how={far: [1, 2], yes: true}  why=null")
        let report = CallReport(trace)
        #expect(report.call.unknown == ["teleported": 1])
        #expect(report.html().contains("does not know: teleported (1)"))
    }

    @Test("A last line that is cut off is left out with a note")
    func cutOff() throws {
        let trace = try read(Self.lines + #"{"event":"state-change","sta"#)
        #expect(trace.events.count == 2)
        #expect(trace.notes == ["The last line (3) is cut off and was left out."])
        let report = CallReport(trace)
        for text in [report.html(), report.text(), try report.json()] { #expect(text.contains("is cut off")) }
    }

    @Test("Lines of something else between the events are left out, counted in a note")
    func otherLines() throws {
        let one = try read("Listening on port 3478\n" + Self.lines)
        #expect(one.events.map(\.line) == [2, 3])
        #expect(one.notes == ["A line (1) is no JSON object and was left out."])
        let several = try read(Self.lines + "[1]\nnonsense\n{\"event\"")
        #expect(several.events.count == 2)
        #expect(
            several.notes == [
                "The last line (5) is cut off and was left out.",
                "2 lines (the first is 3) are no JSON objects and were left out.",
            ])
        #expect(CallReport(several).text().contains("2 lines (the first is 3)"))
    }

    @Test("A whole last line needs no line end, and line ends may be those of other systems")
    func lineEnds() throws {
        let text = Self.lines.replacing("\n", with: "\r\n") + #"{"event":"closed","time":20}"#
        let trace = try read(text)
        #expect(trace.events.map(\.line) == [1, 2, 3])
        #expect(trace.notes.isEmpty)
    }

    @Test(
        "What is no trace is refused with its line",
        arguments: [
            ("nonsense\n[1]\n", 1), ("\n[1]\n", 2), ("{\"event\":\"x\"}\n", 1), ("{\"time\":1}\n", 1),
            ("{\"event\":\"x\",\"time\":\"now\"}\n", 1), ("{\"event\":\"x\",\"time\":-1}\n", 1),
            ("{\"event\":\"x\",\"time\":1e300}\n", 1), ("{\"event\":5,\"time\":1}\n", 1), ("{\"event\":\"x\",", 1),
        ])
    func malformed(_ text: String, _ line: Int) throws {
        let error = #expect(throws: TraceError.self) { try read(text) }
        #expect(error?.line == line)
        #expect("\(try #require(error))".hasPrefix("line \(line) "))
    }

    @Test("An empty file is no trace", arguments: ["", "\n\n"])
    func empty(_ text: String) throws {
        let error = #expect(throws: TraceError.self) { try read(text) }
        #expect(error?.line == nil)
    }

    @Test("Fields of the wrong type, and numbers beyond all sense, do no harm")
    func oddFields() throws {
        let trace = try read(
            """
            {"event":"check-sent","time":1,"pair":5,"pairId":"CP0.0.0","transactionId":7,"retransmission":"x"}
            {"event":"response-received","time":2,"pairId":"CP0.0.0","code":1e300,"roundTripTime":-4,"transactionId":"a"}
            {"event":"pair-state","time":3,"pairId":"CP0.0.0","state":["failed"],"generation":1e18}
            {"event":"local-candidate","time":3,"candidate":"candidate:"}
            {"event":"restart","time":3,"generation":-7}

            """)
        let report = CallReport(trace)
        #expect(!report.html().isEmpty && !report.text().isEmpty)
        #expect(try !report.json().isEmpty)
    }

    @Test("Times are written as people read them")
    func times() {
        let written = [0, 0.44, 9.96, 62, 999.6, 1520, 35_240, 59_960, 605_000, 3_600_000, 5_460_000].map(\.asTime)
        #expect(
            written == [
                "0.0 ms", "0.4 ms", "10 ms", "62 ms", "1.00 s", "1.52 s", "35.2 s", "1 min", "10 min 5 s", "1 h",
                "1 h 31 min",
            ])
    }
}
