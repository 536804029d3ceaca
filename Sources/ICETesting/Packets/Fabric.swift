import NetBase

/// What all parts of one network share: the clock, the seed, the names and the books.
///
/// It knows none of them, so that whoever holds a host does not keep the whole network alive.
final class Fabric {
    let seed: UInt64
    let scheduler = Scheduler()
    var names = SimulatedNames()
    var counters = PacketCounters()
    var trace: [PacketRecord] = []
    var isTracing = false
    var reportsUnknownAddresses = false
    var interceptor: ((SimulatedPacket) -> PacketVerdict)?

    init(seed: UInt64) {
        self.seed = seed
    }

    var now: Instant { scheduler.now }

    func record(_ event: PacketEvent, _ packet: Packet, at place: String) {
        counters[event] += 1
        guard isTracing else { return }
        let payload = packet.payload
        trace.append(
            PacketRecord(
                instant: now, event: event, place: place, transport: packet.transport, source: packet.source,
                destination: packet.destination, byteCount: payload.count, digest: FNV1a.digest(payload)))
    }
}
