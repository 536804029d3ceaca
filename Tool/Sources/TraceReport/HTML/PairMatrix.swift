/// Local candidates by the peer's, and what became of each pair.
struct PairMatrix {
    let call: Call

    private static let rowLimit = 12
    private static let columnLimit = 16
    private static let columnsWithWords = 6

    var markup: Markup {
        let keys = Set(call.pairs.map { Key(generation: $0.generation, path: $0.path) }).sorted()
        guard let last = keys.last else { return "<p>There was no pair.</p>" }
        let current = keys.filter { $0.generation == last.generation }
        let earlier = keys.filter { $0.generation != last.generation }
        let tables: [Markup] = current.map { table($0, isAlone: keys.count == 1) }
        let old: Markup =
            earlier.isEmpty
            ? ""
            : """
            <details><summary>Before the last restart</summary>\(earlier.reversed().prefix(20).map { table($0, isAlone: false) })\
            </details>
            """
        return "\(tables)\(old)"
    }

    private struct Key: Hashable, Comparable {
        let generation: Int
        let path: PathRecord

        static func < (a: Key, b: Key) -> Bool { (a.generation, a.path) < (b.generation, b.path) }
    }

    private struct End: Hashable {
        let id: String
        let text: String
    }

    private func table(_ key: Key, isAlone: Bool) -> Markup {
        let pairs = PairRecord.byInterest(call.pairs.filter { $0.generation == key.generation && $0.path == key.path })
        let (rows, columns) = (ends(pairs) { ($0.localID, $0.local) }, ends(pairs) { ($0.remoteID, $0.remote) })
        let title: Markup =
            isAlone ? "" : "<caption>Generation \(key.generation), \(key.path.description)</caption>"
        let shown = columns.prefix(Self.columnLimit)
        // Many cells say little each; pointing at one still tells all.
        let isCompact = shown.count > Self.columnsWithWords
        let head: [Markup] = shown.map { end in
            "<th scope=\"col\">\(end.text)\(origin(ofRemote: end.id, key.generation))</th>"
        }
        let body: [Markup] = rows.prefix(Self.rowLimit).map { row in
            let cells: [Markup] = shown.map { column in
                cell(
                    pairs.first { ($0.localID ?? $0.local) == row.id && ($0.remoteID ?? $0.remote) == column.id },
                    isCompact: isCompact)
            }
            return "<tr><th scope=\"row\">\(row.text)\(reflexives(of: row.id))</th>\(cells)</tr>"
        }
        let left = max(0, rows.count - Self.rowLimit) + max(0, columns.count - Self.columnLimit)
        let note: Markup =
            left > 0
            ? "<p class=\"note\">\(left.of("further row or column", "further rows and columns")): see the list below.</p>"
            : ""
        return """
            <div class="scroll"><table class="matrix \(isCompact ? "compact" : "")">\(title)<thead><tr><td class="corner">here&nbsp;↓ &nbsp; peer&nbsp;→</td>\(head)</tr></thead>\
            <tbody>\(body)</tbody></table></div>\(note)
            """
    }

    /// The ends in the order of the pairs, each once.
    private func ends(_ pairs: [PairRecord], _ end: (PairRecord) -> (String?, String)) -> [End] {
        var seen: Set<String> = []
        return pairs.compactMap { pair in
            let (id, text) = end(pair)
            return seen.insert(id ?? text).inserted ? End(id: id ?? text, text: text) : nil
        }
    }

    /// Pairs are formed of bases; what a server saw of them is told here.
    private func reflexives(of id: String) -> Markup {
        let socket = id.prefix { $0 != "-" }
        var seen: Set<String> = []
        let others = call.local.filter {
            $0.socket == socket && $0.id != id && $0.kind != "relay" && $0.kind != "host"
                && seen.insert($0.place).inserted
        }
        guard !others.isEmpty else { return "" }
        return "<small>seen as \(others.prefix(3).map(\.place).joined(separator: ", "))</small>"
    }

    private func origin(ofRemote id: String, _ generation: Int) -> Markup {
        guard let record = call.remote.first(where: { $0.id == id && $0.generation == generation }) else { return "" }
        return "<small>\(record.provenance) at \(record.time.asTime)</small>"
    }

    // MARK: Cells

    private func cell(_ pair: PairRecord?, isCompact: Bool) -> Markup {
        guard let pair else {
            return "<td class=\"none\" title=\"no pair: another address family, or it was left out\">–</td>"
        }
        let word = word(for: pair, isCompact: isCompact)
        let trips = pair.roundTrips
        let trip: Markup = trips.last.map { "<b>\($0.asTime)</b>" } ?? ""
        let sent = pair.checks.reduce(0) { $0 + $1.sentAt.count }
        let counts = "sent \(sent), answered \(pair.answers), received \(pair.received.count)"
        let more: Markup = isCompact ? compact(pair) : "\(why(pair))\(refusals(of: pair))<small>\(counts)</small>"
        return """
            <td class="cell \(word.name)" title="\(pair.text): \(pair.state). \(pair.remark) \(counts)">\
            <strong>\(sign(of: pair)) \(word.text)</strong>\(trip)\(more)</td>
            """
    }

    private func compact(_ pair: PairRecord) -> Markup {
        pair.failure?.reason.map { "<span class=\"why\">\($0)</span>" } ?? ""
    }

    private func refusals(of pair: PairRecord) -> Markup {
        let doubted = pair.checks.reduce(0) { $0 + $1.disregarded.count }
        let mine = pair.refusals.count
        let told = [
            doubted > 0 ? "\(doubted.of("answer")) not believed" : nil,
            mine > 0 ? "\(mine.of("check")) of the peer refused" : nil,
        ]
        return "\(told.compactMap { $0 }.map { text -> Markup in "<span class=\"bad\">\(text)</span>" })"
    }

    private func why(_ pair: PairRecord) -> Markup {
        guard let failure = pair.failure else {
            return pair.removedAt.map { "<span class=\"why\">taken off at \($0.asTime)</span>" } ?? ""
        }
        return "<span class=\"why\">\(failure.message ?? failure.reason ?? "")</span>"
    }

    private func word(for pair: PairRecord, isCompact: Bool) -> (text: String, name: String) {
        let isSelected = !pair.selectedAt.isEmpty
        switch pair.state {
        case "failed": return (isSelected ? "failed, was selected" : "failed", pair.state.stateClass)
        case "succeeded": return (isSelected ? "selected" : "succeeded", pair.state.stateClass)
        // Another pair had been chosen.
        case let state where pair.removedAt != nil:
            return (isCompact ? "not needed" : "not needed, was \(state)", "s-unknown")
        case let state: return (state, state.stateClass)
        }
    }

    private func sign(of pair: PairRecord) -> String {
        switch pair.state {
        case "succeeded": pair.selectedAt.isEmpty ? "✓" : "◆"
        case "failed": "✕"
        case "in-progress" where pair.removedAt == nil: "…"
        default: "○"
        }
    }
}
