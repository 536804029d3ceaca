import NetBase

/// The two ways that addresses are written in attributes (RFC 8489 §14.1, §14.2).
enum AddressCoding {
    /// What an XOR address is mixed with: the cookie and the transaction ID as one 128-bit number.
    private struct Mask {
        var port: UInt16 = 0
        var v4: UInt32 = 0
        var high: UInt64 = 0
        var low: UInt64 = 0

        init(_ transactionID: STUNTransactionID?) {
            guard let transactionID else { return }
            port = UInt16(STUNWire.magicCookie >> 16)
            v4 = STUNWire.magicCookie
            high = UInt64(STUNWire.magicCookie) << 32 | UInt64(transactionID.high)
            low = transactionID.low
        }
    }

    /// Reads an address, nil where family and length do not fit; plain without a transaction ID.
    static func decode(_ value: Span<UInt8>, xor transactionID: STUNTransactionID? = nil) -> TransportAddress? {
        guard value.count >= 8 else { return nil }
        let mask = Mask(transactionID)
        let port = value.uint16(at: 2) ^ mask.port
        switch (IPAddress.Family(rawValue: value[1]), value.count) {
        case (.v4, 8):
            return TransportAddress(IPAddress(v4: value.uint32(at: 4) ^ mask.v4), port: port)
        case (.v6, 20):
            let ip = IPAddress(v6High: value.uint64(at: 4) ^ mask.high, low: value.uint64(at: 12) ^ mask.low)
            return TransportAddress(ip, port: port)
        default:
            return nil
        }
    }

    static func encode(
        _ address: TransportAddress, into bytes: inout [UInt8], xor transactionID: STUNTransactionID? = nil
    ) {
        let mask = Mask(transactionID)
        bytes.append(0)
        bytes.append(address.family.rawValue)
        bytes.append(bigEndian: address.port ^ mask.port)
        switch address.family {
        case .v4: bytes.append(bigEndian: UInt32(truncatingIfNeeded: address.ip.low) ^ mask.v4)
        case .v6:
            bytes.append(bigEndian: address.ip.high ^ mask.high)
            bytes.append(bigEndian: address.ip.low ^ mask.low)
        }
    }
}
