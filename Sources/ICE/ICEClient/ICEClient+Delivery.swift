import ICECore
import NetBase

// Events wait for a later turn than the one that they came about in.
extension ICEClient {
    func schedule(_ event: consuming AgentEvent) {
        pendingEvents.add(event)
        scheduleDelivery()
    }

    /// Forgets what is still to be told of a generation's gathering, or of its end: it would be taken for the next one's.
    func dropEventsOfGeneration() {
        pendingEvents.removeAll { event in
            switch event {
            case .candidate, .candidateRemoved, .candidateError, .gatheringState, .restartNeeded: true
            default: false
            }
        }
    }

    /// A trace that is kept has its end, too: the closure alone lives on for one more turn.
    func endTrace() {
        guard let onTrace else { return }
        var rest = pendingEvents.traces
        rest.append(.closed.at(platform.now - madeAt))
        platform.enqueue { [rest] in for event in rest { onTrace(event) } }
    }

    /// Forgets what is still to be told of components that are no more.
    func dropEvents(where isGone: (StreamComponent) -> Bool) {
        pendingEvents.removeAll { event in
            switch event {
            case .candidate(let candidate), .candidateRemoved(let candidate): isGone(candidate.path)
            case .pairNominated(let pair), .pairFailed(let pair, _), .selectedPair(let pair): isGone(pair.path)
            case .candidateError, .gatheringState, .restartNeeded, .state, .trace: false
            }
        }
    }

    private func scheduleDelivery() {
        guard !deliveryIsDue else { return }
        deliveryIsDue = true
        platform.enqueue(deliveryWork)
    }

    /// What comes about meanwhile waits for a turn of its own.
    func deliverOnThisTurn() {
        deliverEvents()
        deliveryIsDue = false
        if !pendingEvents.isEmpty { scheduleDelivery() }
    }

    /// Delivers the events there are; those that the application's closures cause wait for a turn of their own.
    func deliverEvents() {
        if deliveryIsDue { deliverDueEvents() }
    }

    // Within the loop over a burst's datagrams, what this accesses would be checked for each of them.
    @inline(never)
    private func deliverDueEvents() {
        for _ in 0..<pendingEvents.count {
            guard let event = pendingEvents.takeFirst() else { return }
            if case .candidate(let candidate) = event { convey(candidate) } else { dispatch(event) }
        }
        // Once a session has settled there are none for as long as it lasts: their room is given back.
        if state != .new, state != .checking { pendingEvents.rest() }
    }
}
