// Words that the page and the text have in common.

extension String {
    var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}

extension CandidateRecord {
    /// Where it came from: a server's URL, signalling, a check.
    var provenance: String {
        var words: [String] = []
        switch origin {
        case .gathered: words.append(url ?? (kind == "host" ? "an interface" : "a check"))
        case .signalled, .learned: words.append(origin.rawValue)
        case .merged: words.append("learned, then signalled")
        case .ignored: words.append("not used: \(ignoredBecause ?? "no reason told")")
        }
        if let removedAt { words.append("gone at \(removedAt.asTime)") }
        return words.joined(separator: ", ")
    }
}

extension PairRecord {
    /// What else is to be said of it in a table: that it was used, or why it failed.
    var remark: String {
        var words: [String] = []
        if let first = selectedAt.first {
            words.append("selected at \(first.asTime)")
        } else if !nominatedAt.isEmpty {
            words.append("nominated")
        }
        if let failure { words.append([failure.reason, failure.message].compactMap { $0 }.joined(separator: ": ")) }
        let doubted = checks.flatMap(\.disregarded)
        if !doubted.isEmpty {
            let codes = Set(doubted.compactMap(\.code)).sorted().map(String.init).joined(separator: ", ")
            words.append("\(doubted.count.of("answer")) not believed\(codes.isEmpty ? "" : " (\(codes))")")
        }
        if let removedAt { words.append("taken off at \(removedAt.asTime)") }
        return words.joined(separator: "; ")
    }
}

extension CallReport {
    /// The sums, in a few words each.
    var facts: [String] {
        let checks = call.pairs.flatMap(\.checks)
        let again = call.pairs.reduce(0) { $0 + $1.retransmissions }
        let received =
            call.pairs.reduce(0) { $0 + $1.received.count } + call.generations.reduce(0) { $0 + $1.strays.count }
        return [
            call.end.asTime, trace.events.count.of("event"), call.role.map { "role \($0)" },
            call.local.count.of("local candidate"), call.remote.count.of("remote candidate"),
            call.pairs.count.of("pair"),
            "\(checks.count.of("check")) sent\(again > 0 ? " (and \(again) again)" : ""), \(checks.count(where: \.isAnswered)) answered",
            "\(received.of("check")) received",
        ].compactMap { $0 }
    }

    /// The same with names, for a page.
    var sums: [(name: String, value: String)] {
        let checks = call.pairs.flatMap(\.checks)
        let received =
            call.pairs.reduce(0) { $0 + $1.received.count } + call.generations.reduce(0) { $0 + $1.strays.count }
        let again = call.pairs.reduce(0) { $0 + $1.retransmissions }
        let refusals = call.generations.reduce(0) { $0 + $1.refusals.count }
        var sums = [
            ("connected after", call.firstConnected?.time.asTime ?? "never"), ("trace of", call.end.asTime),
            ("candidates here", "\(call.local.count)"),
            ("the peer's", "\(call.remote.count)"), ("pairs", "\(call.pairs.count)"),
            ("checks sent", "\(checks.count)\(again > 0 ? " (+\(again) again)" : "")"),
            ("answered", "\(checks.count(where: \.isAnswered))"),
            ("checks received", "\(received)"),
        ]
        if let role = call.role { sums.insert(("role", role), at: 2) }
        if refusals > 0 { sums.append(("checks refused here", "\(refusals)")) }
        return sums
    }

    /// What happened that changed anything, in its order.
    var happenings: [Call.Moment] {
        var moments: [Call.Moment] = []
        func add(_ time: Double, _ line: Int, _ text: String) {
            moments.append(Call.Moment(time: time, line: line, text: text))
        }
        for gathering in call.gatherings {
            add(gathering.start, 0, "gathering began")
            if let end = gathering.end { add(end, 0, "gathering ended") }
        }
        for error in call.serverErrors {
            add(error.time, error.line, "server: \(error.url) \(error.code) \(error.message)")
        }
        for generation in call.generations {
            if generation.number > 0 {
                add(generation.time, generation.line, "restart: generation \(generation.number)")
            }
            if let moment = generation.remoteParameters { add(moment.time, moment.line, "the peer's credentials came") }
            if let moment = generation.endOfCandidates {
                add(moment.time, moment.line, "the peer has no more candidates")
            }
        }
        for change in call.states {
            let why = [change.reason, change.message].compactMap { $0 }.joined(separator: ": ")
            add(change.time, change.line, "state: \(change.state)\(why.isEmpty ? "" : " (\(why))")")
        }
        for selection in call.selections { add(selection.time, selection.line, "selected: \(selection.text)") }
        for pair in call.pairs {
            for time in pair.nominatedAt { add(time, 0, "nominated: \(pair.text)") }
            if let time = pair.consentLostAt { add(time, 0, "consent lost: \(pair.text)") }
        }
        for moment in call.roleChanges { add(moment.time, moment.line, "role: \(moment.text)") }
        for moment in call.restartsNeeded { add(moment.time, moment.line, "restart needed: \(moment.text)") }
        return moments.enumerated().sorted {
            ($0.element.time, $0.element.line, $0.offset) < ($1.element.time, $1.element.line, $1.offset)
        }.map(\.element)
    }
}
