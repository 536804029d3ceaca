extension CallReport {
    /// The whole report as one page that needs nothing from elsewhere.
    public func html() -> String {
        let events = EventTable(events: trace.events)
        let tables = CandidateTables(call: call)
        let unknown = call.unknown.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
        let others: Markup =
            unknown.isEmpty ? "" : "<p class=\"note\">Events that this version does not know: \(unknown).</p>"
        let page: Markup = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(PageScript.policy)">
            <meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
            <title>\(trace.name): \(headline)</title>
            <style>\(PageStyle.sheet)</style></head>
            <body>\(PageStyle.marks)
            <header><p>ICE trace <b>\(trace.name)</b></p></header>
            <main>
            \(VerdictCard(report: self, events: events).markup)
            <section><h2>Timeline</h2>
            <p class="note">The axis is stretched where much happens: mind its labels. Point at anything for its time and meaning.</p>
            \(Timeline(call).markup)</section>
            <section><h2>Pairs</h2>\(PairMatrix(call: call).markup)\(tables.pairs)</section>
            <section><h2>Round trips</h2>\(RoundTripChart(call: call).markup)</section>
            <section><h2>Candidates</h2>\(tables.candidates)</section>
            <section><h2>Raw events</h2>\(others)\(events.markup)</section>
            </main>
            <script>\(PageScript.source)</script></body></html>

            """
        return page.source
    }
}
