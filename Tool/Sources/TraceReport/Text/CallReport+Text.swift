extension CallReport {
    /// The verdict, the candidates, the pairs and what happened, for a terminal.
    public func text(style: TextStyle = .plain) -> String {
        let writer = TextWriter(report: self, style: style)
        return writer.text
    }
}

private struct TextWriter {
    let report: CallReport
    let style: TextStyle

    private var call: Call { report.call }

    private static let pairLimit = 30
    private static let candidateLimit = 30
    private static let eventLimit = 40

    var text: String {
        var lines = verdict
        for (title, part) in [("Candidates", candidates), ("Pairs", pairs), ("What happened", happenings)] {
            lines += ["", style(title, .bold)] + (part.isEmpty ? ["  none"] : part)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: The verdict

    private var verdict: [String] {
        let ink: TextStyle.Ink =
            switch report.diagnosis.outcome {
            case .connected: .green
            case .silent, .unfinished: .yellow
            case .lost, .failed: .red
            }
        var lines = [style(report.headline, .bold, ink), style(report.facts.joined(separator: ", "), .faint)]
        lines += report.trace.notes.map { "Note: \($0)" }
        for finding in report.diagnosis.findings { lines += [""] + describe(finding, .bold) }
        if !report.diagnosis.remarks.isEmpty { lines += ["", style("Also", .bold)] }
        for remark in report.diagnosis.remarks { lines += describe(remark, .bold) }
        return lines
    }

    private func describe(_ finding: Finding, _ ink: TextStyle.Ink) -> [String] {
        [style(finding.title.capitalizedFirst, ink)]
            + finding.evidence.map { "  - \($0.text)\(lineNumbers($0.lines))" }
            + finding.advice.map { "  \(style(">", .blue)) \($0)" }
    }

    private func lineNumbers(_ lines: [Int]) -> String {
        guard let first = lines.first else { return "" }
        return style(" [line \(first)\(lines.count > 1 ? " and others" : "")]", .faint)
    }

    // MARK: Tables

    private var candidates: [String] {
        var table = TextTable(["", "at", "type", "address", "from"])
        let all = call.local.map { ($0, "here") } + call.remote.map { ($0, "peer") }
        for (record, side) in all.prefix(Self.candidateLimit) {
            table.add([side, record.time.asTime, record.kind, record.place, record.provenance])
        }
        return all.isEmpty ? [] : indented(table.lines, left: all.count - Self.candidateLimit)
    }

    private var pairs: [String] {
        var table = TextTable(["state", "local", "remote", "sent", "again", "answers", "peer's", "round trip", ""])
        let sorted = PairRecord.byInterest(call.pairs)
        for pair in sorted.prefix(Self.pairLimit) {
            table.add([
                pair.state, pair.local, pair.remote, "\(pair.requestsSent)", "\(pair.retransmissions)",
                "\(pair.answers)", "\(pair.received.count)", pair.roundTrips.last?.asTime ?? "", pair.remark,
            ])
        }
        return sorted.isEmpty ? [] : indented(table.lines, left: sorted.count - Self.pairLimit)
    }

    private func indented(_ lines: [String], left: Int) -> [String] {
        let rows = lines.enumerated().map { "  " + ($0 == 0 ? style($1, .faint) : inked($1)) }
        return rows + (left > 0 ? ["  and \(left) more (--html or --json shows them)"] : [])
    }

    private func inked(_ row: String) -> String {
        if row.hasPrefix("succeeded") { return style(row, .green) }
        return row.hasPrefix("failed") ? style(row, .red) : row
    }

    // MARK: Events

    private var happenings: [String] {
        let all = report.happenings
        let lines = all.prefix(Self.eventLimit).map { moment in
            let time = moment.time.asTime
            return "  " + String(repeating: " ", count: max(0, 12 - time.count)) + "\(time)  \(moment.text)"
        }
        return lines + (all.count > Self.eventLimit ? ["  and \(all.count - Self.eventLimit) more"] : [])
    }
}
