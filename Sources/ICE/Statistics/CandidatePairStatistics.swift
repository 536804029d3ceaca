import ICECore
import NetBase

/// A candidate pair: `RTCIceCandidatePairStats` of WebRTC.
public struct CandidatePairStatistics: Hashable, Sendable, Encodable {
    /// Where a pair stands (`RTCStatsIceCandidatePairState`).
    public enum State: String, Hashable, Sendable, Encodable {
        /// Another pair of its foundations is checked first.
        case frozen
        /// To be checked as soon as it is its turn.
        case waiting
        /// Being checked.
        case inProgress = "in-progress"
        /// It works.
        case succeeded
        /// It does not, or not any more.
        case failed
    }

    /// What kind of object it is in JSON: always `candidate-pair`.
    public let type = "candidate-pair"
    /// Its name, also in traces and as ``CandidatePair/id``.
    public let id: String
    /// When this was taken, in milliseconds since the client was made.
    public let timestamp: Double
    /// The session it belongs to.
    public let transportID = "T"
    /// The candidate of this side.
    public let localCandidateID: String
    /// The candidate of the peer.
    public let remoteCandidateID: String
    /// The stream's position, 0 and up.
    public let stream: Int
    /// The component within the stream, 1 to 256.
    public let component: Int
    /// Higher is better (RFC 8445 §6.1.2.3).
    public let priority: UInt64
    /// Where it stands.
    public let state: State
    /// Whether the controlling agent chose it for data.
    public let isNominated: Bool
    /// Whether it carries its component's data.
    public let isSelected: Bool
    /// Datagrams of the application that were handed to the system.
    public let packetsSent: UInt64
    /// Datagrams of the application that arrived.
    public let packetsReceived: UInt64
    /// The bytes of those sent, without any header.
    public let bytesSent: UInt64
    /// The bytes of those received.
    public let bytesReceived: UInt64
    /// When the last one was sent, in milliseconds since the client was made.
    public let lastPacketSentTimestamp: Double?
    /// When the last one arrived, in milliseconds since the client was made.
    public let lastPacketReceivedTimestamp: Double?
    /// The sum of all round trips that were measured, in seconds.
    public let totalRoundTripTime: Double
    /// The latest of them, in seconds.
    public let currentRoundTripTime: Double?
    /// How many were measured. Answers to requests that were repeated tell no time, so that this may be less than
    /// ``responsesReceived``.
    public let roundTripTimeMeasurements: UInt64
    /// Authentic checks of the peer, consent checks and repetitions among them, that were answered.
    public let requestsReceived: UInt64
    /// Checks that were sent, repetitions and consent checks left out.
    public let requestsSent: UInt64
    /// Authentic answers to checks and consent checks, errors among them.
    public let responsesReceived: UInt64
    /// Answers to the peer's checks, errors among them.
    public let responsesSent: UInt64
    /// Checks that were sent again because no answer had come.
    public let retransmissionsSent: UInt64
    /// Consent checks that were sent (RFC 7675).
    public let consentRequestsSent: UInt64
    /// Datagrams of the application that the system did not take.
    public let packetsDiscardedOnSend: UInt64
    /// Their bytes.
    public let bytesDiscardedOnSend: UInt64

    /// WebRTC's names; `stream`, `component` and `roundTripTimeMeasurements` are not among those of a pair, `selected` is Firefox's.
    enum CodingKeys: String, CodingKey {
        case type, id, timestamp
        case transportID = "transportId"
        case localCandidateID = "localCandidateId"
        case remoteCandidateID = "remoteCandidateId"
        case stream, component, priority, state
        case isNominated = "nominated"
        case isSelected = "selected"
        case packetsSent, packetsReceived, bytesSent, bytesReceived
        case lastPacketSentTimestamp, lastPacketReceivedTimestamp
        case totalRoundTripTime, currentRoundTripTime, roundTripTimeMeasurements
        case requestsReceived, requestsSent, responsesReceived, responsesSent, retransmissionsSent, consentRequestsSent
        case packetsDiscardedOnSend, bytesDiscardedOnSend
    }
}

extension CandidatePairStatistics {
    init(_ pair: CheckPair, _ traffic: PairTraffic, isSelected: Bool, at now: Instant, since start: Instant) {
        let description = pair.description
        let counters = pair.counters
        id = description.id
        timestamp = (now - start).milliseconds
        localCandidateID = pair.localID
        remoteCandidateID = pair.remote.remoteID
        stream = pair.path.stream.index
        component = Int(pair.path.component.rawValue)
        priority = description.priority
        state = State(pair.state)
        isNominated = pair.isNominated
        self.isSelected = isSelected
        packetsSent = traffic.packetsSent
        packetsReceived = traffic.packetsReceived
        bytesSent = traffic.bytesSent
        bytesReceived = traffic.bytesReceived
        lastPacketSentTimestamp = traffic.lastSentAt.map { ($0 - start).milliseconds }
        lastPacketReceivedTimestamp = traffic.lastReceivedAt.map { ($0 - start).milliseconds }
        totalRoundTripTime = counters.totalRoundTripTime.seconds
        currentRoundTripTime = counters.currentRoundTripTime.map(\.seconds)
        roundTripTimeMeasurements = counters.roundTripTimeMeasurements
        requestsReceived = counters.requestsReceived
        requestsSent = counters.requestsSent
        responsesReceived = counters.responsesReceived
        responsesSent = counters.responsesSent
        retransmissionsSent = counters.retransmissionsSent
        consentRequestsSent = counters.consentRequestsSent
        packetsDiscardedOnSend = traffic.packetsDiscardedOnSend
        bytesDiscardedOnSend = traffic.bytesDiscardedOnSend
    }
}

extension CandidatePairStatistics.State {
    init(_ state: CheckPair.State) {
        switch state {
        case .frozen: self = .frozen
        case .waiting: self = .waiting
        case .inProgress: self = .inProgress
        case .succeeded: self = .succeeded
        case .failed: self = .failed
        }
    }
}

extension Duration {
    fileprivate var seconds: Double { Double(nanoseconds) / 1e9 }
}
