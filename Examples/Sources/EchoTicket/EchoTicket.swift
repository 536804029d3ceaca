public import ICE

/// What one call goes by: a caller draws it, and the server knows a genuine one when it sees it, so that no signalling is needed.
public struct EchoTicket: Sendable {
    /// The server's username fragment and password in the call.
    public let server: Credentials
    /// The caller's.
    public let caller: Credentials
}
