/// What became of the call, why, and what to do.
struct VerdictCard {
    let report: CallReport
    let events: EventTable

    private var outcome: Diagnosis.Outcome { report.diagnosis.outcome }

    private var sign: String {
        switch outcome {
        case .connected: "✓"
        case .failed, .lost: "✕"
        case .silent, .unfinished: "!"
        }
    }

    var markup: Markup {
        let notes: [Markup] = report.trace.notes.map { "<p class=\"note\">\($0)</p>" }
        return """
            <section class="verdict o-\(outcome.rawValue)"><h1><span class="sign" aria-hidden="true">\(sign)</span> \
            \(report.headline)</h1>\(notes)\(tiles)</section>
            \(group(report.diagnosis.findings, outcome == .connected ? "Findings" : "Why", "why"))\
            \(group(report.diagnosis.remarks, "Also worth knowing", "remarks"))
            """
    }

    // MARK: Sums

    private var tiles: Markup {
        let tiles: [Markup] = report.sums.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>" }
        return "<dl class=\"tiles\">\(tiles)</dl>"
    }

    // MARK: Findings

    private func group(_ findings: [Finding], _ title: String, _ name: String) -> Markup {
        guard !findings.isEmpty else { return "" }
        return "<section class=\"\(name)\"><h2>\(title)</h2>\(findings.map(describe))</section>"
    }

    private func describe(_ finding: Finding) -> Markup {
        let evidence: [Markup] = finding.evidence.map { "<li>\($0.text)\(links($0.lines))</li>" }
        let advice: [Markup] = finding.advice.map { "<li>\($0)</li>" }
        let next: Markup = advice.isEmpty ? "" : "<h4>What to do</h4><ul class=\"advice\">\(advice)</ul>"
        return """
            <article class="finding"><h3>\(finding.title.capitalizedFirst)</h3><ul class="evidence">\(evidence)</ul>\(next)\
            </article>
            """
    }

    private func links(_ lines: [Int]) -> Markup {
        let links: [Markup] = lines.filter { events.shows(line: $0) }.map { " <a href=\"#line-\($0)\">\($0)</a>" }
        let name = links.count > 1 ? "lines" : "line"
        return links.isEmpty ? "" : " <small class=\"lines\">\(name)\(links)</small>"
    }
}
