/// The lines of the trace themselves.
struct EventTable {
    let events: [TraceEvent]

    private static let headLimit = 3000
    private static let tailLimit = 1000

    /// Whether a line of the trace is on the page.
    func shows(line: Int) -> Bool {
        guard isCut else { return true }
        return line <= events[Self.headLimit - 1].line || line >= events[events.count - Self.tailLimit].line
    }

    private var isCut: Bool { events.count > Self.headLimit + Self.tailLimit }

    var markup: Markup {
        let kinds = Set(events.map(\.kind)).sorted().prefix(60)
        let options: [Markup] = kinds.map { "<option>\($0)</option>" }
        return """
            <details id="raw"><summary>All \(events.count.of("event"))</summary>
            <form id="filter" hidden><label>Search <input type="search" name="text" placeholder="an address, a pair, a reason"></label>
            <label>Event <select name="kind"><option value="">all</option>\(options)</select></label> <output></output></form>
            <div class="scroll"><table class="events"><thead><tr><th>line</th><th>time</th><th>event</th><th>what</th></tr></thead>
            <tbody>\(rows)</tbody></table></div></details>
            """
    }

    private var rows: [Markup] {
        guard isCut else { return events.map(row) }
        let left = events.count - Self.headLimit - Self.tailLimit
        return events.prefix(Self.headLimit).map(row)
            + [
                "<tr><td colspan=\"4\" class=\"note\">\(left.of("event")) left out here; they are in the file.</td></tr>"
            ]
            + events.suffix(Self.tailLimit).map(row)
    }

    private func row(_ event: TraceEvent) -> Markup {
        """
        <tr id="line-\(event.line)"><td>\(event.line)</td><td>\(event.time.inSeconds)</td><td>\(event.kind)</td>\
        <td>\(event.details)</td></tr>

        """
    }
}
