extension Call {
    /// Goes through a trace once.
    init(_ trace: Trace) {
        start = 0
        end = trace.events.map(\.time).max() ?? 0
        var index = PairIndex()
        for event in trace.events { take(event, &index) }
        assignStrays()
    }

    /// Where pairs and their checks are, so that long traces are read in one go.
    private struct PairIndex {
        var pairs: [String: Int] = [:]
        /// The pair's place and the check's within it, by transaction.
        var checks: [String: (pair: Int, check: Int)] = [:]
    }

    private mutating func take(_ event: TraceEvent, _ index: inout PairIndex) {
        let moment = Moment(time: event.time, line: event.line, text: event.message ?? event.reason ?? "")
        switch event.kind {
        case "gathering-started": gatherings.append(Gathering(start: event.time))
        case "gathering-complete":
            if gatherings.isEmpty { gatherings.append(Gathering(start: start)) }
            gatherings[gatherings.count - 1].end = event.time
        case "local-candidate": takeLocal(event)
        case "candidate-removed":
            guard let gone = CandidateRecord(event, generation: generation.number, origin: .gathered) else { return }
            for place in local.indices where local[place].place == gone.place && local[place].kind == gone.kind {
                local[place].removedAt = event.time
            }
        case "candidate-error":
            serverErrors.append(
                ServerError(
                    time: event.time, line: event.line, url: event.url ?? "", code: event.code ?? 0,
                    message: event.message ?? ""))
        case "remote-candidate", "remote-candidate-ignored": takeRemote(event)
        case "remote-parameters": update { $0.remoteParameters = moment }
        case "end-of-candidates": update { $0.endOfCandidates = $0.endOfCandidates ?? moment }
        case "role-change":
            roleChanges.append(Moment(time: event.time, line: event.line, text: event.role ?? "unknown"))
        case "restart-needed": restartsNeeded.append(moment)
        case "restart":
            let number = event.generation ?? generation.number + 1
            generations.append(Generation(number: number, time: event.time, line: event.line))
        case "state-change": takeState(event)
        case "closed":
            closedAt = event.time
            takeState(event)
        default: takeOfPair(event, &index)
        }
    }

    private mutating func update(_ change: (inout Generation) -> Void) { change(&generations[generations.count - 1]) }

    private mutating func takeState(_ event: TraceEvent) {
        guard let state = event.state else { return }
        states.append(
            StateChange(
                time: event.time, line: event.line, state: state, reason: event.reason, message: event.message))
    }

    private mutating func takeLocal(_ event: TraceEvent) {
        guard let record = CandidateRecord(event, generation: generation.number, origin: .gathered),
            !local.contains(where: { $0.id == record.id && $0.generation == record.generation })
        else { return }
        local.append(record)
    }

    private mutating func takeRemote(_ event: TraceEvent) {
        let origin: CandidateRecord.Origin =
            event.kind == "remote-candidate-ignored"
            ? .ignored : event.reason.flatMap(CandidateRecord.Origin.init(rawValue:)) ?? .signalled
        guard let record = CandidateRecord(event, generation: generation.number, origin: origin) else { return }
        let number = generation.number
        if let known = remote.firstIndex(where: { $0.id == record.id && $0.generation == number }) {
            // A duplicate says nothing new, and one that was learned and then signalled is both.
            if origin == .merged { remote[known].origin = .merged }
        } else {
            remote.append(record)
        }
    }

    // MARK: Pairs and checks

    private mutating func takeOfPair(_ event: TraceEvent, _ index: inout PairIndex) {
        let place = placeOfPair(event, &index)
        switch event.kind {
        case "check-received": takeReceived(event, on: place)
        case "response-sent": takeAnswer(event, on: place)
        case "check-sent":
            guard let place else { return }
            takeSent(event, on: place, &index)
        case "response-received", "response-disregarded":
            guard let id = event.transactionID, let (pair, check) = index.checks[id] else { return }
            pairs[pair].checks[check].take(event)
        case "pair-formed", "pair-state":
            guard let place else { return }
            takeState(event, ofPairAt: place)
        case "pair-removed": if let place { pairs[place].removedAt = event.time }
        case "nominated": if let place { pairs[place].nominatedAt.append(event.time) }
        case "consent-lost": if let place { pairs[place].consentLostAt = event.time }
        case "selected":
            guard let place else { return }
            pairs[place].selectedAt.append(event.time)
            selections.append(
                Selection(
                    time: event.time, line: event.line, pair: pairs[place].id, text: event.pair ?? pairs[place].text,
                    path: PathRecord(event)))
        case "keepalive": break
        default: unknown[event.kind, default: 0] += 1
        }
    }

    /// Where the pair that an event is about is kept; nil if it is about none. A lite agent's pairs have no name.
    private mutating func placeOfPair(_ event: TraceEvent, _ index: inout PairIndex) -> Int? {
        guard let id = event.pairID.flatMap({ $0.isEmpty ? nil : $0 }) ?? event.pair else { return nil }
        if let place = index.pairs[id] {
            if let text = event.pair { pairs[place].text = text }
            return place
        }
        index.pairs[id] = pairs.count
        pairs.append(PairRecord(event, id: id, generation: generation.number))
        return pairs.count - 1
    }

    private mutating func takeState(_ event: TraceEvent, ofPairAt place: Int) {
        guard let state = event.state else { return }
        pairs[place].changes.append(
            PairRecord.Change(
                time: event.time, line: event.line, state: state, reason: event.reason, message: event.message))
    }

    private mutating func takeSent(_ event: TraceEvent, on place: Int, _ index: inout PairIndex) {
        if event.isRetransmission, let id = event.transactionID, let (pair, check) = index.checks[id] {
            pairs[pair].checks[check].sentAt.append(event.time)
            return
        }
        if let id = event.transactionID { index.checks[id] = (place, pairs[place].checks.count) }
        pairs[place].checks.append(
            CheckRecord(
                purpose: event.purpose ?? "", nominates: event.usesCandidate, line: event.line, sentAt: [event.time]))
    }

    private mutating func takeReceived(_ event: TraceEvent, on place: Int?) {
        let check = ReceivedCheck(
            time: event.time, line: event.line, source: event.source ?? "", nominates: event.usesCandidate,
            local: event.localCandidateID)
        if let place { pairs[place].received.append(check) } else { update { $0.strays.append(check) } }
    }

    private mutating func takeAnswer(_ event: TraceEvent, on place: Int?) {
        if let code = event.code {
            let refusal = Refusal(
                time: event.time, line: event.line, code: code, destination: event.destination ?? "")
            if let place { pairs[place].refusals.append(refusal) }
            update { $0.refusals.append(refusal) }
        } else if let place {
            pairs[place].answersSent += 1
        }
    }

    /// The check that shows a pair comes before there is a pair.
    private mutating func assignStrays() {
        for number in generations.indices {
            let generation = generations[number].number
            var strays: [ReceivedCheck] = []
            for check in generations[number].strays {
                let shown = pairs.firstIndex { $0.generation == generation && $0.isShown(by: check) }
                guard let shown else {
                    strays.append(check)
                    continue
                }
                pairs[shown].received.insert(check, at: 0)
                pairs[shown].answersSent += 1
            }
            generations[number].strays = strays
        }
    }
}

extension PairRecord {
    fileprivate func isShown(by check: ReceivedCheck) -> Bool {
        guard let socket = check.local?.prefix(while: { $0 != "-" }), formedAt >= check.time else { return false }
        return Self.place(remote) == check.source && localID?.prefix { $0 != "-" } == socket
    }
}

extension CheckRecord {
    fileprivate mutating func take(_ event: TraceEvent) {
        if event.kind == "response-disregarded" {
            disregarded.append(Disregarded(time: event.time, code: event.code, line: event.line))
        } else if let code = event.code {
            outcome = .refused(at: event.time, code: code)
        } else {
            outcome = .answered(at: event.time, roundTrip: event.roundTripTime)
        }
    }
}
