import Foundation
import ICE
import ICETesting
import Testing

@testable import TraceReport

@Suite("The page, the text and the JSON of a call")
struct ReportTests {
    private func failedCall() throws -> (TracedCall, CallReport) {
        let scene = try Scene()
        let call = TracedCall(
            scene.network, scene.hosts(.udpBlocked, .portRestricted), servers: try scene.servers("stun:192.0.2.10"))
        try call.start()
        call.run(until: { call.clients.allSatisfy { $0.state == .failed } })
        return (call, try call.report())
    }

    @Test("A failed call's page says why, links to the lines that show it, and has them")
    func page() throws {
        let (_, report) = try failedCall()
        let page = report.html()
        #expect(page.contains("UDP seems blocked here"))
        let lines = Set(report.diagnosis.findings.flatMap(\.evidence).flatMap(\.lines))
        #expect(!lines.isEmpty)
        for line in lines { #expect(page.contains("href=\"#line-\(line)\"") && page.contains("id=\"line-\(line)\"")) }
        for pair in report.call.pairs { #expect(page.contains(">\(pair.failure?.message ?? "?")</span>")) }
    }

    @Test("The text is plain unless it is to be coloured")
    func text() throws {
        let (_, report) = try failedCall()
        let plain = report.text()
        #expect(!plain.contains("\u{1b}"))
        #expect(plain.hasPrefix(report.headline))
        let colored = report.text(style: .colored)
        #expect(colored.contains("\u{1b}[1;31m"))
        #expect(colored.replacing(/\u{1b}\[[0-9;]*m/, with: "") == plain)
        for pair in report.call.pairs { #expect(plain.contains("\(pair.local)  \(pair.remote)")) }
    }

    @Test("The JSON has the verdict, and every pair as the client's own statistics have it")
    func json() throws {
        let (call, report) = try failedCall()
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(try report.json().utf8)) as? [String: Any])
        #expect(object["outcome"] as? String == "failed")
        #expect((object["findings"] as? [[String: Any]])?.first?["code"] as? String == "udp-blocked")
        let pairs = try #require(object["pairs"] as? [[String: Any]])
        let statistics = call.caller.statistics().candidatePairs
        #expect(pairs.count == statistics.count)
        for pair in pairs {
            let own = try #require(statistics.first { $0.id == pair["id"] as? String })
            #expect(pair["requestsSent"] as? Int == Int(own.requestsSent))
            #expect(pair["state"] as? String == own.state.rawValue)
        }
    }

    @Test("The axis never runs backwards, gives what happens at once some room, and has labels that do not meet")
    func scale() {
        let moments = (0..<40).map { Double($0) * 3 } + [300_000, 300_010, 300_050]
        let scale = TimeScale(moments: moments, end: 600_000, left: 100, width: 900)
        let places = stride(from: 0.0, through: 600_000, by: 50).map { scale.x($0) }
        #expect(places == places.sorted())
        #expect(scale.x(0) == 100 && abs(scale.x(600_000) - 1000) < 0.001 && scale.x(1e9) == 1000)
        #expect(scale.x(120) - scale.x(0) > 150)
        let ticks = scale.ticks(apart: 60)
        #expect(ticks.count > 5)
        #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $1.x - $0.x >= 60 })
        #expect(ticks.allSatisfy { abs(scale.x($0.time) - $0.x) < 0.001 })
    }

    @Test("A trace of one moment is shown all the same")
    func instant() throws {
        let trace = try Trace(Data(#"{"event":"closed","state":"closed","time":0}"#.utf8), name: "x")
        #expect(CallReport(trace).html().contains("Closed by the application"))
    }
}
