public import ICECore

/// What a client tells, as a value: the events of its closures, but for data and the trace.
public enum ICEEvent: Sendable {
    /// A local candidate to be signalled; nil once when gathering is complete.
    case candidate(Candidate?)
    /// A local candidate is none any more, as its address is gone.
    case candidateRemoved(Candidate)
    /// A server gave no candidate; gathering goes on.
    case candidateError(CandidateError)
    /// Gathering began or ended.
    case gatheringState(ICEGatheringState)
    /// A pair was nominated and is now its component's selected pair.
    case pairNominated(CandidatePair)
    /// A pair's check failed.
    case pairFailed(CandidatePair, PairFailure)
    /// Data goes over another pair than before.
    case selectedPair(CandidatePair)
    /// A path is lost, or a better one is known, and only a restart helps.
    case restartNeeded(RestartReason)
    /// A server of the configuration wants another access token, made for this name.
    case accessTokenNeeded(ICEServer, String)
    /// The session's state changed; the failure says why, where it failed.
    case state(ICEState, ICEFailure?)
}

/// One datagram of the peer's application.
public struct ICEDatagram: Hashable, Sendable {
    /// What it holds.
    public let bytes: [UInt8]

    /// The component that it came for.
    public let path: StreamComponent
}
