public import ICECore

/// A session as a whole: `RTCTransportStats` of WebRTC, over all its components.
public struct TransportStatistics: Hashable, Sendable, Encodable {
    /// What kind of object it is in JSON: always `transport`.
    public let type = "transport"
    /// Its name, which the pairs and candidates refer to: always `T`.
    public let id = "T"
    /// When it was taken, in milliseconds since the client was made.
    public let timestamp: Double
    /// Datagrams of the application that were handed to the system.
    public let packetsSent: UInt64
    /// Datagrams of the application that arrived.
    public let packetsReceived: UInt64
    /// The bytes of those sent, without any header.
    public let bytesSent: UInt64
    /// The bytes of those received.
    public let bytesReceived: UInt64
    /// The present role.
    public let role: Role
    /// The username fragment of this generation.
    public let localUsernameFragment: String
    /// How far the session has come.
    public let state: ICEState
    /// The pair that carries the first component's data; nil where there is none.
    public let selectedCandidatePairID: String?
    /// The pairs that carry data, in the order of the components that have one.
    public let selectedCandidatePairIDs: [String]
    /// How often a component began to use a pair, or lost the one it used.
    public let selectedCandidatePairChanges: UInt64

    /// WebRTC's names; `selectedCandidatePairIds` is not among them.
    enum CodingKeys: String, CodingKey {
        case type, id, timestamp, packetsSent, packetsReceived, bytesSent, bytesReceived
        case role = "iceRole"
        case localUsernameFragment = "iceLocalUsernameFragment"
        case state = "iceState"
        case selectedCandidatePairID = "selectedCandidatePairId"
        case selectedCandidatePairIDs = "selectedCandidatePairIds"
        case selectedCandidatePairChanges
    }
}
