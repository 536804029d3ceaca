public import ICE

/// What phones tell each other over the service that both are registered with.
public enum CallMessage: Sendable {
    /// Somebody calls: his credentials.
    case invite(ICEParameters)
    /// The other one has answered: hers.
    case accept(ICEParameters)
    /// The path was lost, and a new one is looked for: new credentials, which are answered with new ones.
    case restart(ICEParameters)
    /// A candidate, or the end of candidates, as WebRTC has it.
    case candidate(SignalledCandidate)
    /// The call is over.
    case bye
}

/// The service that carries messages between phones: in life a WebSocket or a SIP proxy. It keeps their order.
public protocol Signalling: AnyObject {
    /// Hands a message to whoever has the number; it may be lost where nobody has.
    func send(_ message: CallMessage, from sender: String, to receiver: String)
}
