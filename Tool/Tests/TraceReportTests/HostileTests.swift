import Foundation
import Testing

@testable import TraceReport

/// A trace holds what peers and servers have said.
@Suite("Hostile traces")
struct HostileTests {
    private static let script = "</script></title></style><script>alert(1)</script><img src=x onerror=\"alert('1')\">&"
    private static let terminal = "\u{1b}]0;owned\u{7}\u{1b}[2Jx\u{202e}y\u{9b}31m\u{2028}"

    /// A call with the text in every field of every kind of event, and as names of fields and kinds.
    private func report(_ text: String) throws -> CallReport {
        let fields = [
            "pairId", "pair", "candidateId", "candidate", "localCandidateId", "remoteCandidateId", "state", "reason",
            "message", "purpose", "transactionId", "source", "destination", "usernameFragment", "role", "url", text,
        ]
        let kinds = [
            "gathering-started", "local-candidate", "remote-candidate", "remote-candidate-ignored", "candidate-error",
            "remote-parameters", "pair-formed", "check-sent", "check-received", "response-sent", "response-received",
            "response-disregarded", "pair-state", "nominated", "selected", "consent-lost", "role-change",
            "state-change", "restart-needed", "restart", "candidate-removed", "pair-removed", "closed", text,
        ]
        var data = Data()
        for ending in ["", "failed", "connected"] {
            for (index, kind) in kinds.enumerated() {
                var object: [String: Any] = ["time": data.count, "event": kind, "code": 401 + index % 2 * 300]
                for field in fields { object[field] = text }
                if kind == "state-change", !ending.isEmpty { object["state"] = ending }
                if kind == "pair-state" { object["state"] = "failed" }
                if kind == "response-received" { object["roundTripTime"] = 5 }
                data += try JSONSerialization.data(withJSONObject: object) + [10]
            }
        }
        return CallReport(try Trace(data, name: text))
    }

    @Test("Markup in any field stays text on the page")
    func markup() throws {
        let page = try report(Self.script).html()
        #expect(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
        // Of what begins a tag, an attribute or an entity, nothing is left but what the page itself has.
        #expect(page.components(separatedBy: "<script>").count == 2)
        #expect(page.components(separatedBy: "</script>").count == 2)
        #expect(page.components(separatedBy: "</style>").count == 2)
        #expect(page.components(separatedBy: "</title></head").count + page.components(separatedBy: "<img").count == 2)
        #expect(!page.contains("onerror=\""))
        #expect(!page.contains("('1')"))
    }

    @Test("The page is well-formed whatever the trace says", arguments: [script, terminal, "x"])
    func wellFormed(_ text: String) throws {
        let checker = TagChecker()
        let fault = checker.fault(in: try report(text).html())
        #expect(fault == nil)
    }

    @Test("Nothing in a trace moves a cursor or turns writing around")
    func control() throws {
        let report = try report(Self.terminal)
        for text in [report.text(), report.html(), try report.json()] {
            let bad = text.unicodeScalars.first { scalar in
                scalar != "\n" && [.control, .format, .lineSeparator].contains(scalar.properties.generalCategory)
            }
            #expect(bad == nil)
        }
        #expect(report.text().contains("\\u{1b}]0;owned"))
    }

    @Test("Long texts are cut")
    func long() throws {
        let line = #"{"event":"candidate-error","time":1,"url":""# + String(repeating: "a", count: 5_000_000) + "\"}\n"
        let report = CallReport(try Trace(Data(line.utf8), name: "long"))
        #expect(report.html().utf8.count < 100_000)
    }

    @Test("The page takes nothing from elsewhere, and runs its own script only")
    func selfContained() throws {
        let page = try report("x").html()
        for word in ["http:", "https:", "src=", "@import", "url(", "<link", "<base", "<iframe", "javascript:"] {
            #expect(!page.contains(word), "\(word)")
        }
        #expect(page.contains("default-src &#39;none&#39;"))
        let source = try #require(page.firstRange(of: "<script>")).upperBound
        let end = try #require(page.firstRange(of: "</script>")).lowerBound
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl", "dgst", "-sha256", "-binary"]
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(page[source..<end].utf8))
        try input.fileHandleForWriting.close()
        let digest = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(PageScript.policy.contains("'sha256-\(digest.base64EncodedString())'"))
    }
}

/// Goes through the tags of a page: every one is closed, by its own name.
private struct TagChecker {
    private static let empty: Set<String> = ["meta", "input"]

    func fault(in page: String) -> String? {
        var open: [String] = []
        var rest = Substring(page)
        while let start = rest.firstIndex(of: "<") {
            rest = rest[rest.index(after: start)...]
            if rest.hasPrefix("!DOCTYPE") { continue }
            guard let end = closing(of: rest) else { return "a tag without an end: \(rest.prefix(60))" }
            let tag = rest[..<end]
            rest = rest[rest.index(after: end)...]
            let name = tag.trimmingPrefix("/").prefix { $0.isLetter || $0.isNumber }
            if name.isEmpty { return "no tag: <\(tag.prefix(60))" }
            if tag.hasPrefix("/") {
                guard open.popLast() == String(name) else { return "</\(name)> closes what is not open" }
            } else if !tag.hasSuffix("/"), !Self.empty.contains(String(name)) {
                open.append(String(name))
                // What is in these is no markup.
                if name == "script" || name == "style" {
                    guard let over = rest.firstRange(of: "</\(name)>") else { return "\(name) has no end" }
                    rest = rest[over.lowerBound...]
                }
            }
        }
        return open.isEmpty ? nil : "left open: \(open)"
    }

    /// The `>` that is in no attribute's value.
    private func closing(of text: Substring) -> Substring.Index? {
        var isQuoted = false
        for index in text.indices {
            if text[index] == "\"" { isQuoted.toggle() }
            if text[index] == ">", !isQuoted { return index }
        }
        return nil
    }
}
