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

    mutating func sent(_ count: Int, _ byteCount: Int, at now: Instant) {
        packetsSent += UInt64(count)
        bytesSent += UInt64(byteCount)
        lastSentAt = now
    }

    mutating func discarded(_ count: Int, _ byteCount: Int) {
        packetsDiscardedOnSend += UInt64(count)
        bytesDiscardedOnSend += UInt64(byteCount)
    }

    mutating func received(_ count: Int, _ byteCount: Int, at now: Instant) {
        packetsReceived += UInt64(count)
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
