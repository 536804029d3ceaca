/// A pair on the timeline: what this side sent above, what came from the peer below, and its states as a band.
struct PairRow {
    static let height = 42.0
    /// A call of hours has thousands of consent checks: those in the middle of a row add nothing to be seen.
    private static let markLimit = 240

    let pair: PairRecord
    let picture: Picture
    let end: Double

    func markup(top: Double) -> Markup {
        """
        \(label(top))\(states(top + 30))\(thinned(pair.checks).map { check($0, top + 10) })\
        \(thinned(pair.received).map { received($0, top + 22) })\(turnedAway(top + 22))\(turns(top + 22))\(reason(top + 26))
        """
    }

    private func label(_ top: Double) -> Markup {
        let isUsed = !pair.selectedAt.isEmpty
        return """
            <g class="\(isUsed ? "used" : "pair")">\(Picture.label(pair.local, y: top + 15))\
            \(Picture.label("→ \(pair.remote)", y: top + 29))</g>
            """
    }

    private func thinned<Element>(_ all: [Element]) -> [Element] {
        guard all.count > Self.markLimit else { return all }
        let half = Self.markLimit / 3
        let stride = max(1, (all.count - 2 * half) / half)
        let middle = all.dropFirst(half).dropLast(half).enumerated().filter { $0.offset % stride == 0 }.map(\.element)
        return Array(all.prefix(half)) + middle + Array(all.suffix(half))
    }

    // MARK: States

    private func states(_ y: Double) -> Markup {
        let over = pair.removedAt ?? end
        let changes = pair.changes
        let bars: [Markup] = changes.indices.map { index in
            let change = changes[index]
            let next = index + 1 < changes.count ? changes[index + 1].time : max(over, change.time)
            let why = [change.reason, change.message].compactMap { $0 }.joined(separator: ": ")
            return picture.bar(
                "band \(change.state.stateClass)", from: change.time, to: next, y: y, height: 7,
                title:
                    "\(pair.text): \(change.state) from \(change.time.asTime) to \(next.asTime)\(why.isEmpty ? "" : " (\(why))")"
            )
        }
        return "\(bars)"
    }

    private func reason(_ y: Double) -> Markup {
        guard let failure = pair.failure, let reason = failure.reason else { return "" }
        let x = picture.scale.x(failure.time)
        let isLeft = x > Picture.gutter + (Picture.width - Picture.gutter) / 2
        return """
            <text class="reason" x="\(isLeft ? x - 5 : x + 5)" y="\(y)" text-anchor="\(isLeft ? "end" : "start")">\(reason)\
            <title>\(failure.message ?? reason)</title></text>
            """
    }

    // MARK: Checks

    private func check(_ check: CheckRecord, _ y: Double) -> Markup {
        let what = "\(check.purpose) check\(check.nominates ? " with USE-CANDIDATE" : "")"
        let sent: [Markup] = check.sentAt.enumerated().map { index, time in
            picture.mark(
                index == 0 ? "sent" : "again", at: time, y: y,
                title: "\(time.asTime): \(what) sent\(index == 0 ? "" : " again (\(index))")")
        }
        let doubted: [Markup] = check.disregarded.prefix(Self.markLimit).map { answer in
            picture.mark(
                "refused", at: answer.time, y: y - 5,
                title: "\(answer.time.asTime): answer \(answer.code.map(String.init) ?? "") that can't be believed")
        }
        return "\(line(check, y))\(sent)\(doubted)\(answer(check, y))"
    }

    /// From the request to its answer.
    private func line(_ check: CheckRecord, _ y: Double) -> Markup {
        guard let answer = check.answeredAt else { return "" }
        let (start, end) = (picture.scale.x(check.firstSentAt), picture.scale.x(answer))
        return "<line class=\"trip\" x1=\"\(start)\" y1=\"\(y)\" x2=\"\(end)\" y2=\"\(y)\"/>"
    }

    private func answer(_ check: CheckRecord, _ y: Double) -> Markup {
        switch check.outcome {
        case .unanswered: ""
        case .answered(let time, let trip):
            picture.mark(
                "answer", at: time, y: y, title: "\(time.asTime): answered\(trip.map { " after \($0.asTime)" } ?? "")")
        case .refused(let time, let code):
            picture.mark("refused", at: time, y: y, title: "\(time.asTime): answered with error \(code)")
        }
    }

    private func received(_ check: ReceivedCheck, _ y: Double) -> Markup {
        picture.mark(
            "received", at: check.time, y: y,
            title:
                "\(check.time.asTime): check of the peer from \(check.source)\(check.nominates ? " with USE-CANDIDATE" : "")"
        )
    }

    private func turnedAway(_ y: Double) -> Markup {
        let marks: [Markup] = thinned(pair.refusals).map {
            picture.mark(
                "turned-away", at: $0.time, y: y,
                title: "\($0.time.asTime): check of the peer refused here with \($0.code)")
        }
        return "\(marks)"
    }

    private func turns(_ y: Double) -> Markup {
        let nominated: [Markup] = pair.nominatedAt.map {
            picture.mark("nominated", at: $0, y: y, title: "\($0.asTime): nominated")
        }
        let selected: [Markup] = pair.selectedAt.map {
            picture.mark("selected", at: $0, y: y, title: "\($0.asTime): selected, data goes over \(pair.text)")
        }
        let lost: [Markup] = [pair.consentLostAt].compactMap { $0 }.map {
            picture.mark("refused", at: $0, y: y, title: "\($0.asTime): consent lost")
        }
        return "\(nominated)\(selected)\(lost)"
    }
}
