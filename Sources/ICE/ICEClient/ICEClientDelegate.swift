public import ICECore

/// Gets a client's events, for those who prefer a delegate to closures. Every method is optional.
///
/// All are called on the loop's thread, on a later turn than the call that caused the event, and none after ``ICEClient/close()``.
///
/// ```swift
/// final class Call: ICEClientDelegate {
///     func iceClient(_ client: ICEClient, didGenerate candidate: Candidate?) { signal(candidate?.description ?? "") }
///     func iceClient(_ client: ICEClient, didChange state: ICEState) { print(state) }
/// }
/// let call = Call()
/// client.delegate = call
/// ```
public protocol ICEClientDelegate: AnyObject {
    /// A local candidate is there to be signalled; nil once all are (RFC 8838 §13).
    func iceClient(_ client: ICEClient, didGenerate candidate: Candidate?)
    /// A local candidate is none any more, as its address is gone.
    func iceClient(_ client: ICEClient, didRemove candidate: Candidate)
    /// A server gave no candidate.
    func iceClient(_ client: ICEClient, didFailToGather error: CandidateError)
    /// A pair was nominated for its component.
    func iceClient(_ client: ICEClient, didNominate pair: CandidatePair)
    /// A pair's check failed.
    func iceClient(_ client: ICEClient, didFail pair: CandidatePair, reason: PairFailure)
    /// The session's state changed.
    func iceClient(_ client: ICEClient, didChange state: ICEState)
    /// The gathering state changed.
    func iceClient(_ client: ICEClient, didChange gatheringState: ICEGatheringState)
    /// Data goes over another pair than before.
    func iceClient(_ client: ICEClient, didSelect pair: CandidatePair)
    /// Only a restart helps now, or would help.
    func iceClient(_ client: ICEClient, needsRestart reason: RestartReason)
    /// A server of the configuration wants another access token, made for the name that it has.
    func iceClient(_ client: ICEClient, needsAccessTokenFor server: ICEServer, named serverName: String)
    /// A datagram of the application arrived; the bytes are borrowed for the call.
    func iceClient(_ client: ICEClient, didReceive data: Span<UInt8>, on path: StreamComponent)
    /// There is room again behind a datagram that was refused with `wouldBlock`.
    func iceClient(_ client: ICEClient, canSendOn path: StreamComponent)
}

extension ICEClientDelegate {
    /// Does nothing.
    public func iceClient(_ client: ICEClient, didGenerate candidate: Candidate?) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, didRemove candidate: Candidate) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, didFailToGather error: CandidateError) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, didNominate pair: CandidatePair) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, didFail pair: CandidatePair, reason: PairFailure) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, didChange state: ICEState) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, didChange gatheringState: ICEGatheringState) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, didSelect pair: CandidatePair) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, needsRestart reason: RestartReason) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, needsAccessTokenFor server: ICEServer, named serverName: String) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, didReceive data: Span<UInt8>, on path: StreamComponent) {}
    /// Does nothing.
    public func iceClient(_ client: ICEClient, canSendOn path: StreamComponent) {}
}
