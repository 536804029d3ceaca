import ICECore
import NetBase

/// The application's datagrams over one pair.
struct PairTraffic: Hashable, Sendable {
    private(set) var packetsSent: UInt64 = 0
    private(set) var bytesSent: UInt64 = 0
    private(set) var packetsReceived: UInt64 = 0
    private(set) var bytesReceived: UInt64 = 0
    private(set) var packetsDiscardedOnSend: UInt64 = 0
    private(set) var bytesDiscardedOnSend: UInt64 = 0
    private(set) var lastSentAt: Instant?
    private(set) var lastReceivedAt: Instant?

    mutating func sent(_ byteCount: Int, at now: Instant) {
        packetsSent += 1
        bytesSent += UInt64(byteCount)
        lastSentAt = now
    }

    mutating func discarded(_ byteCount: Int) {
        packetsDiscardedOnSend += 1
        bytesDiscardedOnSend += UInt64(byteCount)
    }

    mutating func received(_ byteCount: Int, at now: Instant) {
        packetsReceived += 1
        bytesReceived += UInt64(byteCount)
        lastReceivedAt = now
    }

    mutating func add(sent other: PairTraffic) {
        packetsSent += other.packetsSent
        bytesSent += other.bytesSent
        packetsDiscardedOnSend += other.packetsDiscardedOnSend
        bytesDiscardedOnSend += other.bytesDiscardedOnSend
        lastSentAt = other.lastSentAt ?? lastSentAt
    }
}

/// What went over a pair whose socket is closed.
struct ClosedTraffic {
    let socket: SocketID
    let address: TransportAddress
    var traffic: PairTraffic
}
