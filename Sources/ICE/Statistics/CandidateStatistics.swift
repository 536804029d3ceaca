public import ICECore
import NetBase

/// A candidate of either side: `RTCIceCandidateStats` of WebRTC.
public struct CandidateStatistics: Hashable, Sendable, Encodable {
    /// What kind of object it is in JSON: `local-candidate` or `remote-candidate`.
    public let type: String
    /// Its name, also in traces.
    public let id: String
    /// When this was taken, in milliseconds since the client was made.
    public let timestamp: Double
    /// The session it belongs to.
    public let transportID = "T"
    /// The stream's position, 0 and up.
    public let stream: Int
    /// The component within the stream, 1 to 256.
    public let component: Int
    /// The IP address, or the name that hides it; nil where neither was told.
    public let address: String?
    /// The port.
    public let port: UInt16
    /// `udp` or `tcp`.
    public let transportProtocol: String
    /// How it was obtained.
    public let kind: Candidate.Kind
    /// Higher is better (RFC 8445 §5.1.2).
    public let priority: UInt32
    /// What ties similar candidates together.
    public let foundation: String
    /// The related IP address, where it is known.
    public let relatedAddress: String?
    /// The port that goes with it.
    public let relatedPort: UInt16?
    /// The username fragment of its generation.
    public let usernameFragment: String?
    /// The server that it was obtained from, where one of the configuration was.
    public let url: String?
    /// How the TURN server of a relayed candidate is spoken to, where that is known.
    public let relayProtocol: String?
    /// Who opens the connection of a TCP candidate.
    public let tcpType: String?

    /// WebRTC's names; `stream` and `component` are not among them.
    enum CodingKeys: String, CodingKey {
        case type, id, timestamp
        case transportID = "transportId"
        case stream, component, address, port
        case transportProtocol = "protocol"
        case kind = "candidateType"
        case priority, foundation, relatedAddress, relatedPort, usernameFragment, url, relayProtocol, tcpType
    }
}

extension CandidateStatistics {
    init(local: LocalCandidate, usernameFragment: String, timestamp: Double) {
        self.init(
            "local-candidate", local.id, local.candidate.shown, usernameFragment, url: local.server?.text,
            relayProtocol: local.candidate.kind == .relayed ? local.server?.transport.rawValue : nil, timestamp)
    }

    init(remote: Candidate, usernameFragment: String?, timestamp: Double) {
        self.init(
            "remote-candidate", remote.remoteID, remote, remote.usernameFragment ?? usernameFragment, url: nil,
            relayProtocol: nil, timestamp)
    }

    private init(
        _ type: String, _ id: String, _ candidate: Candidate, _ usernameFragment: String?, url: String?,
        relayProtocol: String?, _ timestamp: Double
    ) {
        self.type = type
        self.id = id
        self.timestamp = timestamp
        stream = candidate.stream.index
        component = Int(candidate.component.rawValue)
        address = candidate.hostName ?? (candidate.address.ip.isUnspecified ? nil : candidate.address.ip.description)
        port = candidate.address.port
        kind = candidate.kind
        priority = candidate.priority
        foundation = candidate.foundation.description
        relatedAddress = candidate.relatedAddress?.ip.description
        relatedPort = candidate.relatedAddress?.port
        self.usernameFragment = usernameFragment
        self.url = url
        self.relayProtocol = relayProtocol
        switch candidate.transport {
        case .udp: (transportProtocol, tcpType) = ("udp", nil)
        case .tcp(let type): (transportProtocol, tcpType) = ("tcp", type.rawValue)
        }
    }
}
