import NetBase

/// One direction of a link: decides when a packet comes out at its other end, and whether.
struct Lane {
    var conditions = LinkConditions()

    /// When the last packet that was accepted has left a link of limited bandwidth.
    private(set) var busyUntil = Instant(nanoseconds: 0)

    private var latestArrival = Instant(nanoseconds: 0)
    private var generator: SeededGenerator

    init(seed: UInt64, stream: String) {
        generator = SeededGenerator(seed: seed, stream: stream)
    }

    /// What becomes of a packet.
    enum Fate {
        case dropped(PacketEvent)
        case arrives(Instant, copy: Instant?)
    }

    mutating func fate(of packet: Packet, at now: Instant) -> Fate {
        let isReliable = packet.transport == .tcp
        if let mtu = conditions.mtu, packet.size > mtu, !isReliable { return .dropped(.tooLarge) }
        guard let departure = depart(packet.size, at: now, isReliable: isReliable) else { return .dropped(.overflowed) }
        var arrival = departure + conditions.delay + conditions.jitter * generator.unit()
        if isReliable {
            // Only the connection waits for a retransmission, not what follows on the link: the receiver restores the order.
            guard let penalty = retransmissionDelay() else { return .dropped(.lost) }
            return .arrives(max(arrival, latestArrival) + penalty, copy: nil)
        }
        if generator.chance(conditions.loss) { return .dropped(.lost) }
        if generator.chance(conditions.reordering) {
            arrival += conditions.reorderingDelay
        } else {
            arrival = max(arrival, latestArrival)
            latestArrival = arrival
        }
        guard generator.chance(conditions.duplication) else { return .arrives(arrival, copy: nil) }
        return .arrives(arrival, copy: arrival + conditions.jitter * generator.unit())
    }

    private mutating func depart(_ size: Int, at now: Instant, isReliable: Bool) -> Instant? {
        guard let bandwidth = conditions.bandwidth, bandwidth > 0 else { return now }
        let start = max(now, busyUntil)
        let waiting = Double((start - now).nanoseconds) * Double(bandwidth) / 8e9
        // TCP waits at the sender, it does not overflow.
        if waiting > Double(conditions.queueLimit), !isReliable { return nil }
        busyUntil = start + .nanoseconds(Int64(Double(size) * 8e9 / Double(bandwidth)))
        return busyUntil
    }

    /// The time that TCP needs to bring a piece across in spite of the loss; nil if it gives up.
    private mutating func retransmissionDelay() -> Duration? {
        var total = Duration.zero
        var timeout = Duration.milliseconds(200) + conditions.delay * 2
        for _ in 0..<12 {
            guard generator.chance(conditions.loss) else { return total }
            total += timeout
            timeout *= 2
        }
        return nil
    }
}
