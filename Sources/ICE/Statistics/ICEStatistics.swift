/// What a client has sent, received and dropped since it was made, and how its candidates and pairs stand.
///
/// It encodes to JSON objects that are named and typed as in WebRTC's `getStats()`: `transport`, `candidate-pair`, `local-candidate`,
/// `remote-candidate`, tied together by their `id`. Times are milliseconds since the client was made: nothing here knows a wall clock.
///
/// ```swift
/// import Foundation
///
/// let json = try JSONEncoder().encode(client.statistics())
/// ```
public struct ICEStatistics: Hashable, Sendable, Encodable {
    /// When this was taken, in milliseconds since the client was made.
    public let timestamp: Double
    /// Datagrams of the application that were handed to the system.
    public let packetsSent: UInt64
    /// Their bytes.
    public let bytesSent: UInt64
    /// Datagrams of the application that arrived.
    public let packetsReceived: UInt64
    /// Their bytes.
    public let bytesReceived: UInt64
    /// Datagrams of the application that the system did not take.
    public let packetsDiscardedOnSend: UInt64
    /// Datagrams from addresses that no authenticated check has validated.
    public let foreignDatagrams: UInt64
    /// Datagrams that look like STUN and are malformed.
    public let malformedMessages: UInt64
    /// Requests without the right credentials or fingerprint.
    public let unauthenticatedRequests: UInt64
    /// Responses that nobody waits for, or that are not authentic.
    public let unmatchedResponses: UInt64
    /// Candidates of the peer that were ignored: of another generation, an unknown kind, or over a limit.
    public let ignoredCandidates: UInt64
    /// The session as a whole.
    public let transport: TransportStatistics
    /// The pairs of this generation, best first within a stream, then those of earlier generations that carry data.
    public let candidatePairs: [CandidatePairStatistics]
    /// The candidates of this side, those included that only the peer sees.
    public let localCandidates: [CandidateStatistics]
    /// The candidates of the peer, those included that only its checks have shown.
    public let remoteCandidates: [CandidateStatistics]

    /// The pairs that carry data, in the order of their components.
    public var selectedPairs: [CandidatePairStatistics] {
        transport.selectedCandidatePairIDs.compactMap { id in candidatePairs.first { $0.id == id } }
    }
}

/// What the shell counts by itself.
struct ICECounters {
    var packetsSent: UInt64 = 0
    var bytesSent: UInt64 = 0
    var packetsReceived: UInt64 = 0
    var bytesReceived: UInt64 = 0
    var packetsDiscardedOnSend: UInt64 = 0
    var foreignDatagrams: UInt64 = 0
    var ignoredCandidates: UInt64 = 0
}
