/// What a client has sent, received and dropped since it was made.
public struct ICEStatistics: Hashable, Sendable {
    /// Datagrams of the application that were handed to the system.
    public internal(set) var packetsSent: UInt64 = 0
    /// Their bytes.
    public internal(set) var bytesSent: UInt64 = 0
    /// Datagrams of the application that arrived.
    public internal(set) var packetsReceived: UInt64 = 0
    /// Their bytes.
    public internal(set) var bytesReceived: UInt64 = 0
    /// Datagrams of the application that the system did not take.
    public internal(set) var packetsDiscardedOnSend: UInt64 = 0
    /// Datagrams from addresses that no authenticated check has validated.
    public internal(set) var foreignDatagrams: UInt64 = 0
    /// Datagrams that look like STUN and are malformed.
    public internal(set) var malformedMessages: UInt64 = 0
    /// Requests without the right credentials or fingerprint.
    public internal(set) var unauthenticatedRequests: UInt64 = 0
    /// Responses that nobody waits for, or that are not authentic.
    public internal(set) var unmatchedResponses: UInt64 = 0
    /// Candidates of the peer that were ignored: of another generation, an unknown kind, or over a limit.
    public internal(set) var ignoredCandidates: UInt64 = 0
}
