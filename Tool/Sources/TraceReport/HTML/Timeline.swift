/// What happened when: states, candidates, and the checks of each pair.
struct Timeline {
    let call: Call
    let scale: TimeScale

    static let pairLimit = 14
    private static let hiddenPairLimit = 300
    private static let candidateLimit = 10

    init(_ call: Call) {
        self.call = call
        scale = Picture.scale(of: call)
    }

    var markup: Markup {
        let sorted = PairRecord.byInterest(call.pairs)
        var picture = makePicture()
        addStates(to: &picture)
        addGathering(to: &picture)
        addCandidates(call.local, "Local candidates", to: &picture)
        addCandidates(call.remote, "The peer's candidates", to: &picture)
        let groups = sorted.count > Self.pairLimit ? "Pairs: the \(Self.pairLimit) that tell most" : "Pairs"
        if !sorted.isEmpty { picture.addTitle(groups) }
        for pair in sorted.prefix(Self.pairLimit) { add(pair, to: &picture) }
        return
            "\(Self.legend)\(picture.svg(label: "Timeline of the call"))\(more(Array(sorted.dropFirst(Self.pairLimit))))"
    }

    private func more(_ pairs: [PairRecord]) -> Markup {
        guard !pairs.isEmpty else { return "" }
        var picture = makePicture()
        for pair in pairs.prefix(Self.hiddenPairLimit) { add(pair, to: &picture) }
        let rest = pairs.count - Self.hiddenPairLimit
        let note: Markup =
            rest > 0 ? "<p class=\"note\">\(rest.of("further pair")) are in the raw events only.</p>" : ""
        return """
            <details><summary>\(pairs.count.of("more pair"))</summary>\
            \(picture.svg(label: "Timeline of further pairs"))\(note)</details>
            """
    }

    private func makePicture() -> Picture { Picture(scale, guides: Self.guides(of: call)) }

    static func guides(of call: Call) -> [Picture.Guide] {
        call.states.prefix(200).map {
            Picture.Guide(time: $0.time, name: $0.state.stateClass, text: "\($0.state) at \($0.time.asTime)")
        }
    }

    // MARK: States and gathering

    private func addStates(to picture: inout Picture) { picture.addStates(of: call) }

    private func addGathering(to picture: inout Picture) {
        let (call, canvas) = (call, picture)
        picture.add(height: 24) { top in
            let bars: [Markup] = call.gatherings.map { gathering in
                let end = gathering.end ?? call.end
                let told = gathering.end == nil ? "does not end" : "to \(end.asTime)"
                return canvas.bar(
                    "gathering", from: gathering.start, to: end, y: top + 5, height: 12,
                    title: "gathering from \(gathering.start.asTime) \(told)")
            }
            let errors: [Markup] = call.serverErrors.map { error in
                canvas.mark(
                    "refused", at: error.time, y: top + 11,
                    title: "\(error.time.asTime): \(error.url) \(error.code) \(error.message)")
            }
            return "\(Picture.label("gathering", y: top + 15))\(bars)\(errors)"
        }
    }

    // MARK: Candidates

    private func addCandidates(_ candidates: [CandidateRecord], _ title: String, to picture: inout Picture) {
        guard !candidates.isEmpty else {
            picture.addTitle("\(title): none")
            return
        }
        let left = candidates.count - Self.candidateLimit
        picture.addTitle(left > 0 ? "\(title): the first \(Self.candidateLimit) of \(candidates.count)" : title)
        for candidate in candidates.prefix(Self.candidateLimit) {
            let (canvas, end) = (picture, candidate.removedAt ?? call.end)
            picture.add(height: 18) { top in
                let told = "\(candidate.description) from \(candidate.time.asTime) on; \(candidate.provenance)"
                return """
                    \(Picture.label("\(candidate.place) \(candidate.kind)", y: top + 13))\
                    \(canvas.bar("life k-\(candidate.kindClass)", from: candidate.time, to: end, y: top + 7, height: 4, title: told))\
                    \(canvas.mark(candidate.origin == .ignored ? "refused" : "candidate", at: candidate.time, y: top + 9, title: told))
                    """
            }
        }
    }

    private func add(_ pair: PairRecord, to picture: inout Picture) {
        let (canvas, end) = (picture, call.end)
        picture.add(height: PairRow.height) { PairRow(pair: pair, picture: canvas, end: end).markup(top: $0) }
    }

    // MARK: The legend

    private static let legend: Markup = {
        let signs = [
            ("sent", "check sent"), ("again", "sent again"), ("answer", "answered"),
            ("refused", "refused or doubted"),
            ("received", "check of the peer"), ("turned-away", "… refused here"), ("nominated", "nominated"),
            ("selected", "selected"),
        ]
        let states = [
            ("frozen", "frozen"), ("waiting", "waiting"), ("in-progress", "being checked"), ("succeeded", "works"),
            ("failed", "failed"),
        ]
        let marks: [Markup] = signs.map { name, text in
            """
            <span><svg class="key" viewBox="-7 -7 14 14" aria-hidden="true"><use href="#m-\(name)" class="m-\(name)"/></svg>\
            \(text)</span>
            """
        }
        let swatches: [Markup] = states.map { name, text in "<span><i class=\"b-\(name)\"></i>\(text)</span>" }
        return "<p class=\"legend\">\(marks)\(swatches)</p>"
    }()
}

extension Picture {
    /// The session's states, one after the other.
    mutating func addStates(of call: Call) {
        let canvas = self
        add(height: 30) { top in
            let first = Call.StateChange(time: 0, line: 0, state: "new", reason: nil, message: nil)
            let states = [first] + call.states
            let bars: [Markup] = states.indices.map { index in
                let state = states[index]
                let end = index + 1 < states.count ? states[index + 1].time : call.end
                let isLast = index + 1 == states.count
                let rest = isLast ? Picture.margin - 6 : 0
                let room = canvas.scale.x(end) - canvas.scale.x(state.time) + rest
                let why = [state.reason, state.message].compactMap { $0 }.joined(separator: ": ")
                let title = "\(state.state) from \(state.time.asTime) to \(end.asTime)\(why.isEmpty ? "" : ", \(why)")"
                let text: Markup =
                    room > Double(state.state.count) * 7 + 8
                    ? "<text class=\"state\" x=\"\(canvas.scale.x(state.time) + 5)\" y=\"\(top + 18)\">\(state.state.shortened(to: 16))</text>"
                    : ""
                return
                    "\(canvas.bar("state-bar \(state.state.stateClass)", from: state.time, to: end, y: top + 4, height: 20, rest: rest, title: title))\(text)"
            }
            return "\(Picture.label("state", y: top + 18))\(bars)"
        }
    }
}

extension CandidateRecord {
    var kindClass: String { ["host", "srflx", "prflx", "relay"].contains(kind) ? kind : "other" }
}
