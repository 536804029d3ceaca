extension Call {
    /// Goes through a trace once.
    init(_ trace: Trace) {
        start = 0
        end = trace.events.map(\.time).max() ?? 0
        var index = CallIndex()
        for event in trace.events { take(event, &index) }
        assignStrays()
    }

    private mutating func take(_ event: TraceEvent, _ index: inout CallIndex) {
        let moment = Moment(time: event.time, line: event.line, text: event.message ?? event.reason ?? "")
        switch event.kind {
        case "gathering-started": gatherings.append(Gathering(start: event.time))
        case "gathering-complete":
            if gatherings.isEmpty { gatherings.append(Gathering(start: start)) }
            gatherings[gatherings.count - 1].end = event.time
        case "local-candidate": takeLocal(event, &index)
        case "candidate-removed":
            guard let gone = CandidateRecord(event, generation: generation.number, origin: .gathered) else { return }
            for place in index.present.removeValue(forKey: gone.description) ?? [] {
                local[place].removedAt = event.time
            }
        case "candidate-error":
            serverErrors.append(
                ServerError(
                    time: event.time, line: event.line, url: event.url ?? "", code: event.code ?? 0,
                    message: event.message ?? ""))
        case "remote-candidate", "remote-candidate-ignored": takeRemote(event, &index)
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

    private mutating func takeLocal(_ event: TraceEvent, _ index: inout CallIndex) {
        guard let record = CandidateRecord(event, generation: generation.number, origin: .gathered) else { return }
        let key = CallIndex.Candidate(id: record.id, generation: record.generation)
        if let known = index.local[key] {
            // It may be back, and go again.
            if local[known].removedAt != nil { index.present[local[known].description, default: []].insert(known) }
            return
        }
        index.local[key] = local.count
        index.present[record.description, default: []].insert(local.count)
        local.append(record)
    }

    private mutating func takeRemote(_ event: TraceEvent, _ index: inout CallIndex) {
        let origin: CandidateRecord.Origin =
            event.kind == "remote-candidate-ignored"
            ? .ignored : event.reason.flatMap(CandidateRecord.Origin.init(rawValue:)) ?? .signalled
        guard let record = CandidateRecord(event, generation: generation.number, origin: origin) else { return }
        if let known = index.remote[CallIndex.Candidate(id: record.id, generation: generation.number)] {
            // A duplicate says nothing new, and one that was learned and then signalled is both.
            if origin == .merged { remote[known].origin = .merged }
        } else {
            let key = CallIndex.Candidate(id: record.id, generation: record.generation)
            index.remote[key] = index.remote[key] ?? remote.count
            remote.append(record)
        }
    }

    // MARK: Pairs and checks

    private mutating func takeOfPair(_ event: TraceEvent, _ index: inout CallIndex) {
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
    private mutating func placeOfPair(_ event: TraceEvent, _ index: inout CallIndex) -> Int? {
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

    private mutating func takeSent(_ event: TraceEvent, on place: Int, _ index: inout CallIndex) {
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
