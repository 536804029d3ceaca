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
    private let arrivals = UnsafeMutableBufferPointer<datagram_arrival>.allocate(capacity: slotCount)

    deinit {
        unsafe bytes.deallocate()
        unsafe arrivals.deallocate()
    }

    /// Fills as many slots as there are datagrams for; a negative error of the system where there are none.
    func receive(from descriptor: Int32) -> Int32 {
        unsafe datagram_receive(
            descriptor, bytes.baseAddress, Self.slotSize, arrivals.baseAddress, Int32(Self.slotCount))
    }

    func arrival(inSlot slot: Int) -> datagram_arrival { unsafe arrivals[slot] }

    /// Lends what is in a slot, a datagram at a time, while the body wants more.
    func forEachDatagram(inSlot slot: Int, _ body: (Span<UInt8>) -> Bool) {
        let arrival = arrival(inSlot: slot)
        let (start, length, size) = (slot * Self.slotSize, Int(arrival.length), Int(arrival.segment))
        var offset = 0
        repeat {
            let end = min(length, offset + max(size, 1))
            let datagram = unsafe UnsafeRawBufferPointer(rebasing: bytes[start + offset..<start + end])
            guard unsafe body(datagram.assumingMemoryBound(to: UInt8.self).span) else { return }
            offset = end
        } while offset < length
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

    var asDatagramAddress: datagram_address {
        datagram_address(
            high: ip.high, low: ip.low, scope: ip.scopeID, port: port, family: family == .v4 ? 4 : 6)
    }
}
