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
        let value = Encoded(address, xor: transactionID)
        bytes.append(bigEndian: value.head)
        switch address.family {
        case .v4: bytes.append(bigEndian: UInt32(truncatingIfNeeded: value.low))
        case .v6:
            bytes.append(bigEndian: value.high)
            bytes.append(bigEndian: value.low)
        }
    }

    /// The words of an address as they are written.
    struct Encoded {
        /// A zero byte, the family and the port.
        let head: UInt32
        /// The first 8 bytes of an IPv6 address.
        let high: UInt64
        /// The last 8 bytes of an IPv6 address, or the 4 of an IPv4 address.
        let low: UInt64

        /// An address as an XOR address, or a plain one without a transaction ID.
        init(_ address: TransportAddress, xor transactionID: STUNTransactionID?) {
            let mask = Mask(transactionID)
            head = UInt32(address.family.rawValue) << 16 | UInt32(address.port ^ mask.port)
            high = address.ip.high ^ mask.high
            low = address.ip.low ^ (address.family == .v4 ? UInt64(mask.v4) : mask.low)
        }
    }
}
