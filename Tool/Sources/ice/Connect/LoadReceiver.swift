import ICE

/// Counts the load that the other side sends, and says when a receipt is due.
struct LoadReceiver {
    private(set) var receipt = Datagram.Receipt()
    private var first: Instant?
    private var toldPackets: UInt32 = 0
    private(set) var hasEnded = false
    /// How many the other side has sent at least; numbers begin with 0.
    var sent: UInt32 { receipt.packets == 0 ? 0 : receipt.highest + 1 }

    /// One receipt for so many datagrams; the smallest window has several of them.
    private static let perReceipt: UInt32 = 4

    /// Takes a datagram of the load; a receipt where one is due.
    mutating func take(_ number: UInt32, byteCount: Int, at now: Instant) -> Datagram.Receipt? {
        // No load is so long that it gets to the last number, which has none behind it.
        guard !hasEnded, number < .max, receipt.packets < .max else { return nil }
        let start = first ?? now
        first = start
        receipt.highest = max(receipt.highest, number)
        receipt.packets += 1
        receipt.bytes += UInt64(byteCount)
        receipt.microseconds = UInt64(max(0, (now - start).nanoseconds / 1000))
        guard receipt.packets - toldPackets >= Self.perReceipt else { return nil }
        return tell()
    }

    /// A receipt for what no other has told yet.
    mutating func pending() -> Datagram.Receipt? {
        receipt.packets > toldPackets ? tell() : nil
    }

    /// The other side has sent all; the last receipt, which is given as often as it is asked for.
    mutating func end() -> Datagram.Receipt {
        hasEnded = true
        receipt.isFinal = true
        return receipt
    }

    private mutating func tell() -> Datagram.Receipt {
        toldPackets = receipt.packets
        return receipt
    }
}
