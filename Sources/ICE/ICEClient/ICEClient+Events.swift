import ICECore
import Logging
import NetBase

extension ICEClient {
    /// The one place where closures and the delegate are called.
    func dispatch(_ event: AgentEvent) {
        if hasLogger { log(event) }
        switch event {
        case .candidate(let candidate):
            stream(.candidate(candidate))
            onCandidate?(candidate)
            listener?.iceClient(self, didGenerate: candidate)
        case .candidateRemoved(let candidate):
            stream(.candidateRemoved(candidate))
            onCandidateRemoved?(candidate)
            listener?.iceClient(self, didRemove: candidate)
        case .candidateError(let error):
            stream(.candidateError(error))
            onCandidateError?(error)
            listener?.iceClient(self, didFailToGather: error)
        case .gatheringState(let state):
            // A restart may have taken back the end that lay between two beginnings.
            guard state != toldGatheringState else { return }
            toldGatheringState = state
            if state == .complete {
                stream(.candidate(nil))
                onCandidate?(nil)
                listener?.iceClient(self, didGenerate: nil)
            }
            guard !isClosed else { return }
            stream(.gatheringState(state))
            onGatheringStateChange?(state)
            listener?.iceClient(self, didChange: state)
        case .pairNominated(let pair):
            stream(.pairNominated(pair))
            onPairNominated?(pair)
            listener?.iceClient(self, didNominate: pair)
        case .pairFailed(let pair, let reason):
            stream(.pairFailed(pair, reason))
            onPairFailed?(pair, reason)
            listener?.iceClient(self, didFail: pair, reason: reason)
        case .selectedPair(let pair):
            stream(.selectedPair(pair))
            onSelectedPairChange?(pair)
            listener?.iceClient(self, didSelect: pair)
        case .restartNeeded(let reason):
            if configuration.restartsByItself, reason.code != .betterPath { restart() }
            stream(.restartNeeded(reason))
            onRestartNeeded?(reason)
            listener?.iceClient(self, needsRestart: reason)
        case .state(let state, let failure):
            toldFailure = failure
            stream(.state(state, failure))
            onStateChange?(state)
            listener?.iceClient(self, didChange: state)
        case .trace(let event):
            onTrace?(event)
        }
    }

    /// The delegate, as long as there is something to tell it: a closure that was called for the same event may have closed the client.
    var listener: (any ICEClientDelegate)? { hasDelegate && !isClosed ? delegate : nil }

    private func log(_ event: AgentEvent) {
        switch event {
        case .candidate(let candidate): logger.debug("local candidate", metadata: ["candidate": "\(candidate)"])
        case .candidateRemoved(let candidate):
            logger.debug("candidate removed", metadata: ["candidate": "\(candidate)"])
        case .candidateError(let error):
            logger.debug("no candidate", metadata: ["error": "\(error)"])
        case .gatheringState(let state): logger.debug("gathering", metadata: ["state": "\(state)"])
        case .pairNominated(let pair): logger.debug("pair nominated", metadata: ["pair": "\(pair)"])
        case .pairFailed(let pair, let reason):
            logger.debug("pair failed", metadata: ["pair": "\(pair)", "reason": "\(reason)"])
        case .selectedPair(let pair): logger.debug("pair selected", metadata: ["pair": "\(pair)"])
        case .restartNeeded(let reason): logger.debug("restart needed", metadata: ["reason": "\(reason)"])
        case .state(let state, let failure):
            logger.debug("state", metadata: ["state": "\(state)", "failure": "\(failure.map(\.description) ?? "-")"])
        case .trace: break
        }
    }
}
