import CDatagram
import NetBase

/// Where the UDP sockets of a loop receive, one after the other.
@safe
final class DatagramBuffer {
    /// What the kernel puts together fits into the largest datagram.
    static let slotSize = 1 << 16
    static let slotCount = 16

    private let bytes = UnsafeMutableRawBufferPointer.allocate(
        byteCount: slotSize * slotCount, alignment: MemoryLayout<UInt64>.alignment)
    private let slots: OpaquePointer
    private let arrivals = UnsafeMutableBufferPointer<datagram_arrival>.allocate(capacity: slotCount)

    init() { unsafe slots = datagram_slots_create(bytes.baseAddress, Self.slotSize, Int32(Self.slotCount)) }

    deinit {
        unsafe datagram_slots_free(slots)
        unsafe bytes.deallocate()
        unsafe arrivals.deallocate()
    }

    /// Fills as many slots as there are datagrams for; a negative error of the system where there are none.
    func receive(from descriptor: Int32) -> Int32 {
        unsafe datagram_receive(descriptor, slots, arrivals.baseAddress)
    }

    /// Who sent what is in a slot; nil where the system does not know.
    func source(ofSlot slot: Int) -> TransportAddress? {
        unsafe TransportAddress(arrivals[slot].source)?.unmapped
    }

    /// Whether a slot holds several datagrams.
    func isJoined(slot: Int) -> Bool { unsafe arrivals[slot].segment < arrivals[slot].length }

    /// Lends what is in a slot: datagrams of one sender.
    func lend(slot: Int, telling facts: UDPSocket.ArrivalFacts, _ body: (DatagramBatch) -> Void) {
        let arrival = unsafe arrivals[slot]
        let start = slot * Self.slotSize
        let used = unsafe UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(arrival.length)])
        let localAddress = facts.contains(.localAddress) ? TransportAddress(arrival.destination)?.ip.unmapped : nil
        let batch = unsafe DatagramBatch(
            used.assumingMemoryBound(to: UInt8.self).span, datagramSize: Int(arrival.segment),
            localAddress: localAddress, trafficClass: facts.contains(.trafficClass) ? arrival.traffic_class : nil)
        body(batch)
    }
}

extension TransportAddress {
    /// Nil where the system told none.
    init?(_ address: datagram_address) {
        switch address.family {
        case 4: self.init(IPAddress(v4: UInt32(truncatingIfNeeded: address.low)), port: address.port)
        case 6:
            let ip = IPAddress(v6High: address.high, low: address.low, scopeID: address.scope)
            self.init(ip, port: address.port)
        default: return nil
        }
    }

    var asDatagramAddress: datagram_address { ip.asDatagramAddress(port: port) }
}

extension IPAddress {
    func asDatagramAddress(port: UInt16 = 0) -> datagram_address {
        datagram_address(high: high, low: low, scope: scopeID, port: port, family: family == .v4 ? 4 : 6)
    }
}
