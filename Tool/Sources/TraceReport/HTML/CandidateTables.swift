/// The candidates of both sides, and all pairs, as tables.
struct CandidateTables {
    let call: Call

    private static let candidateLimit = 200
    private static let pairLimit = 1000

    var candidates: Markup {
        "<div class=\"columns\">\(side(call.local, "Here"))\(side(call.remote, "The peer"))</div>"
    }

    private func side(_ candidates: [CandidateRecord], _ title: String) -> Markup {
        guard !candidates.isEmpty else { return "<div><h3>\(title)</h3><p>None.</p></div>" }
        let rows: [Markup] = candidates.prefix(Self.candidateLimit).map { candidate in
            """
            <tr><td>\(candidate.time.asTime)</td><td><span class="kind k-\(candidate.kindClass)">\(candidate.kind)</span></td>\
            <td class="address">\(candidate.place)</td><td>\(candidate.provenance)</td></tr>
            """
        }
        return """
            <div><h3>\(title) (\(candidates.count))</h3><div class="scroll"><table><thead><tr><th>at</th><th>type</th><th>address</th>\
            <th>from</th></tr></thead><tbody>\(rows)</tbody></table></div></div>
            """
    }

    var pairs: Markup {
        let sorted = PairRecord.byInterest(call.pairs)
        guard !sorted.isEmpty else { return "" }
        let rows: [Markup] = sorted.prefix(Self.pairLimit).map { pair in
            """
            <tr><td>\(pair.id)</td><td class="\(pair.state.stateClass)">\(pair.state)</td><td class="address">\(pair.local)</td>\
            <td class="address">\(pair.remote)</td><td>\(pair.requestsSent)</td><td>\(pair.retransmissions)</td><td>\(pair.answers)</td>\
            <td>\(pair.received.count)</td><td>\(pair.roundTrips.last?.asTime ?? "")</td><td>\(pair.remark)</td></tr>

            """
        }
        return """
            <details><summary>As a list (\(sorted.count))</summary><div class="scroll"><table><thead><tr><th>pair</th><th>state</th>\
            <th>local</th><th>remote</th><th>sent</th><th>again</th><th>answers</th><th>received</th><th>round trip</th><th></th></tr></thead>\
            <tbody>\(rows)</tbody></table></div></details>
            """
    }
}
