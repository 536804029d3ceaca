import NetBase

extension ICEAgent {
    /// Notes an event, which is not even made unless somebody listens.
    ///
    /// It leaves with the other effects, in order; the shell knows the time.
    mutating func trace(_ event: @autoclosure () -> ICETraceEvent) {
        guard isTracing else { return }
        traceChanges()
        emit(.event(.trace(shown(event()))))
    }

    /// Notes what has happened on the checklists since the last time.
    mutating func traceChanges() {
        guard isTracing else { return }
        for change in session.checklists.takeChanges() {
            if let event = ICETraceEvent(change) { emit(.event(.trace(shown(event)))) }
        }
    }

    /// Notes what the application is told.
    mutating func trace(telling event: AgentEvent) {
        guard isTracing else { return }
        let generation = session.generation
        switch event {
        case .candidate(let candidate):
            let local = localCandidates.all.first { $0.gathered == candidate }
            trace(.localCandidate(candidate, id: local?.id, url: local?.server?.text, generation))
        case .candidateRemoved(let candidate):
            trace(
                ICETraceEvent(.candidateRemoved) {
                    $0.generation = generation
                    $0.path = candidate.path
                    $0.candidate = candidate
                })
        case .candidateError(let error):
            trace(.candidateError(error))
        case .gatheringState(let state):
            trace(
                ICETraceEvent(state == .complete ? .gatheringComplete : .gatheringStarted) {
                    $0.generation = generation
                })
        case .pairNominated(let pair):
            trace(ICETraceEvent(.nominated, pair))
        case .pairFailed(let pair, let failure):
            if failure.code == .consentExpired { trace(.failure(.consentLost, of: pair, failure)) }
            trace(.failure(.pairState, of: pair, failure))
        case .selectedPair(let pair):
            trace(ICETraceEvent(.selected, pair))
        case .restartNeeded(let reason):
            trace(
                ICETraceEvent(.restartNeeded) {
                    $0.reason = reason.code.description
                    $0.message = reason.message
                })
        case .state(let state, let failure):
            trace(
                ICETraceEvent(.stateChange) {
                    $0.state = state.rawValue
                    $0.reason = failure?.code.description
                    $0.message = failure?.message
                })
        case .trace:
            break
        }
    }

    /// Notes the beginning of a generation, and goes on noting in its checklists.
    mutating func traceRestart() {
        session.checklists.recordsChanges = isTracing
        let (generation, fragment) = (session.generation, session.keys.local.usernameFragment)
        trace(
            ICETraceEvent(.restart) {
                $0.generation = generation
                $0.usernameFragment = fragment
            })
    }
}

extension ICETraceEvent {
    static func localCandidate(_ candidate: Candidate, id: String?, url: String?, _ generation: Int) -> ICETraceEvent {
        ICETraceEvent(.localCandidate) {
            $0.generation = generation
            $0.path = candidate.path
            $0.candidateID = id
            $0.candidate = candidate
            $0.url = url
        }
    }

    static func remoteCandidate(
        _ candidate: Candidate, _ reason: String, _ kind: Kind = .remoteCandidate
    ) -> ICETraceEvent {
        ICETraceEvent(kind) {
            $0.path = candidate.path
            $0.candidateID = candidate.remoteID
            $0.candidate = candidate
            $0.reason = reason
        }
    }

    static func candidateError(_ error: CandidateError) -> ICETraceEvent {
        ICETraceEvent(.candidateError) {
            $0.url = error.url
            $0.code = error.errorCode
            $0.message = error.errorText
        }
    }

    static func failure(_ kind: Kind, of pair: CandidatePair, _ failure: PairFailure) -> ICETraceEvent {
        ICETraceEvent(kind, pair) {
            $0.state = CheckPair.State.failed.name
            $0.reason = failure.code.description
            $0.message = failure.message
        }
    }

    /// The password stays out.
    static func remoteParameters(_ parameters: ICEParameters) -> ICETraceEvent {
        ICETraceEvent(.remoteParameters) { $0.usernameFragment = parameters.usernameFragment }
    }

    static func roleChange(to role: Role) -> ICETraceEvent {
        ICETraceEvent(.roleChange) { $0.role = role }
    }
}
