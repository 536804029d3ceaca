package import NetBase

/// The type of a DNS record (RFC 1035 §3.2.2).
package struct DNSRecordType: RawRepresentable, Hashable, Sendable {
    /// The number on the wire.
    package let rawValue: UInt16

    /// A type by its number.
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// An IPv4 address.
    package static let a = DNSRecordType(rawValue: 1)
    /// An IPv6 address (RFC 3596).
    package static let aaaa = DNSRecordType(rawValue: 28)
    /// Which types a name has, so that nobody waits for the others (RFC 6762 §6.1).
    package static let nsec = DNSRecordType(rawValue: 47)
    /// All types, in questions only.
    package static let any = DNSRecordType(rawValue: 255)

    /// The type of a family's addresses.
    package static func address(_ family: IPAddress.Family) -> DNSRecordType { family == .v4 ? .a : .aaaa }
}

/// What a DNS message asks for.
package struct DNSQuestion: Hashable, Sendable {
    /// The name, without the dot of the root.
    package var name: String
    /// The type of the records.
    package var type: DNSRecordType
    /// Whether the answer may come by unicast: the "QU" bit of multicast DNS (RFC 6762 §5.4).
    package var wantsUnicast: Bool
    /// Whether it asks in the class of the Internet, or in any.
    package var isInternet = true

    /// A question in the class of the Internet.
    package init(_ name: String, _ type: DNSRecordType, wantsUnicast: Bool = false) {
        self.name = name
        self.type = type
        self.wantsUnicast = wantsUnicast
    }
}

/// One record of a DNS message.
package struct DNSRecord: Hashable, Sendable {
    /// The name, without the dot of the root.
    package var name: String
    /// What the data is.
    package var type: DNSRecordType
    /// Whether it takes the place of all there are of its name and type: the "cache-flush" bit (RFC 6762 §10.2).
    package var isUnique: Bool
    /// How many seconds it may be kept; 0 takes it back (RFC 6762 §10.1).
    package var timeToLive: UInt32
    /// The data, as on the wire.
    package var data: [UInt8]
    /// Whether it is of the class of the Internet.
    package var isInternet = true

    /// A record of the class of the Internet.
    package init(_ name: String, _ type: DNSRecordType, isUnique: Bool, timeToLive: UInt32, data: [UInt8]) {
        self.name = name
        self.type = type
        self.isUnique = isUnique
        self.timeToLive = timeToLive
        self.data = data
    }

    /// The record of an address.
    package init(_ name: String, address: IPAddress, isUnique: Bool = true, timeToLive: UInt32) {
        self.init(name, .address(address.family), isUnique: isUnique, timeToLive: timeToLive, data: address.bytes)
    }

    /// The address in it; nil for other records, and for data of another length.
    package var address: IPAddress? {
        guard isInternet, let ip = IPAddress(bytes: data.span), type == .address(ip.family) else { return nil }
        return ip
    }

    /// RFC 6762 §6.1: says that a name has records of one type alone.
    ///
    /// - Returns: Nil for a name that can't be written.
    package static func only(_ type: DNSRecordType, of name: String, timeToLive: UInt32) -> DNSRecord? {
        guard type.rawValue < 256, let labels = DNSMessage.labels(of: name) else { return nil }
        // RFC 4034 §4.1.2: a block of 256 types: its number, the length of its bit map, and the map.
        var map = [UInt8](repeating: 0, count: Int(type.rawValue) / 8 + 1)
        map[map.count - 1] = 0x80 >> UInt8(type.rawValue % 8)
        let data = labels + [0, UInt8(map.count)] + map
        return DNSRecord(name, .nsec, isUnique: true, timeToLive: timeToLive, data: data)
    }
}
