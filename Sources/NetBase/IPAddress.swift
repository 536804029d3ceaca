/// An IPv4 or IPv6 address, with the scope of a link-local one.
///
/// IPv4-mapped IPv6 addresses stay what they are until ``unmapped`` is asked for.
///
/// ```swift
/// if let ip = IPAddress("2001:db8::1") { print(ip, ip.family, ip.isLinkLocal) }
/// ```
public struct IPAddress: Hashable, Sendable {
    /// The address family, numbered as STUN numbers it (RFC 8489 §14.1).
    public enum Family: UInt8, Hashable, Sendable, CaseIterable {
        /// IPv4.
        case v4 = 1
        /// IPv6.
        case v6 = 2
    }

    /// IPv4 or IPv6.
    public let family: Family

    /// The first 8 bytes of an IPv6 address as a big-endian number; 0 for IPv4.
    public let high: UInt64

    /// The last 8 bytes of an IPv6 address, or the 4 bytes of an IPv4 address, as a big-endian number.
    public let low: UInt64

    /// The interface index that a link-local IPv6 address belongs to; 0 where there is none (RFC 4007 §11).
    public let scopeID: UInt32

    private init(family: Family, high: UInt64, low: UInt64, scopeID: UInt32) {
        self.family = family
        self.high = high
        self.low = low
        self.scopeID = scopeID
    }

    /// An IPv4 address from its 32 bits, the first byte being the most significant.
    public init(v4 bits: UInt32) {
        self.init(family: .v4, high: 0, low: UInt64(bits), scopeID: 0)
    }

    /// An IPv6 address from its two halves.
    public init(v6High high: UInt64, low: UInt64, scopeID: UInt32 = 0) {
        self.init(family: .v6, high: high, low: low, scopeID: scopeID)
    }

    /// An address from the 4 or 16 bytes that stand for it on the wire; nil for any other count.
    public init?(bytes: Span<UInt8>) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in bytes.indices {
            high = high << 8 | low >> 56
            low = low << 8 | UInt64(bytes[index])
        }
        switch bytes.count {
        case 4: self.init(family: .v4, high: 0, low: low, scopeID: 0)
        case 16: self.init(family: .v6, high: high, low: low, scopeID: 0)
        default: return nil
        }
    }

    /// The 4 or 16 bytes that stand for the address on the wire.
    public var bytes: [UInt8] {
        (0..<byteCount).map { self[byte: $0] }
    }

    /// 4 or 16.
    public var byteCount: Int { family == .v4 ? 4 : 16 }

    /// One byte of the wire form, counted from the front.
    public subscript(byte index: Int) -> UInt8 {
        let fromEnd = byteCount - 1 - index
        return UInt8(truncatingIfNeeded: fromEnd < 8 ? low >> (8 * fromEnd) : high >> (8 * (fromEnd - 8)))
    }

    /// The same address on another interface scope, or on none.
    public func scoped(to scopeID: UInt32) -> IPAddress {
        IPAddress(family: family, high: high, low: low, scopeID: family == .v6 ? scopeID : 0)
    }
}

extension IPAddress {
    /// 0.0.0.0 or ::.
    public static func any(_ family: Family) -> IPAddress {
        IPAddress(family: family, high: 0, low: 0, scopeID: 0)
    }

    /// 127.0.0.1 or ::1.
    public static func loopback(_ family: Family) -> IPAddress {
        IPAddress(family: family, high: 0, low: family == .v4 ? 0x7f00_0001 : 1, scopeID: 0)
    }
}

// MARK: - What kind of address it is

extension IPAddress {
    /// Whether this is 0.0.0.0 or ::.
    public var isUnspecified: Bool { high == 0 && low == 0 }

    /// Whether this is in 127.0.0.0/8, or ::1.
    public var isLoopback: Bool {
        family == .v4 ? low >> 24 == 127 : high == 0 && low == 1
    }

    /// Whether this is in 169.254.0.0/16 or fe80::/10.
    public var isLinkLocal: Bool {
        family == .v4 ? low >> 16 == 0xa9fe : high >> 54 == 0xfe80 >> 6
    }

    /// Whether this is a deprecated IPv6 site-local address, fec0::/10 (RFC 3879).
    public var isSiteLocal: Bool { family == .v6 && high >> 54 == 0xfec0 >> 6 }

    /// Whether this is an IPv4-mapped IPv6 address, ::ffff:0:0/96 (RFC 4291 §2.5.5.2).
    public var isV4Mapped: Bool { family == .v6 && high == 0 && low >> 32 == 0xffff }

    /// Whether this is a deprecated IPv4-compatible IPv6 address, ::/96 without :: and ::1 (RFC 4291 §2.5.5.1).
    public var isV4Compatible: Bool { family == .v6 && high == 0 && low >> 32 == 0 && low > 1 }

    /// Whether this is a group address: 224.0.0.0/4 or ff00::/8.
    public var isMulticast: Bool { family == .v4 ? low >> 28 == 0xe : high >> 56 == 0xff }

    /// The IPv4 address inside an IPv4-mapped one; every other address as it is.
    public var unmapped: IPAddress {
        isV4Mapped ? IPAddress(v4: UInt32(truncatingIfNeeded: low)) : self
    }
}
