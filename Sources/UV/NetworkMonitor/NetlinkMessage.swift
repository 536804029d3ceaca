import NetBase

/// What one message of the kernel's says about links, addresses and routes (rtnetlink(7)).
struct NetlinkMessage: Hashable {
    /// What a message is about.
    enum Content: Hashable {
        case link(index: UInt32, name: String, flags: UInt32)
        case linkGone(index: UInt32)
        case address(index: UInt32, IPAddress, prefixLength: Int, flags: UInt32)
        case addressGone(index: UInt32, IPAddress)
        /// A default route; one that replaces takes the place of those of its family and metric.
        case route(DefaultRoute, replaces: Bool)
        case routeGone(DefaultRoute)
        /// A listing has ended, well or not.
        case end
    }

    /// The number of the request that it answers; 0 if it tells of a change.
    var sequence: UInt32
    /// Whether something changed while the listing was made, so that it may not fit together.
    var isInterrupted: Bool
    var content: Content
}

extension NetlinkMessage {
    /// The messages in one datagram; what is cut off or of no interest is left out.
    static func all(in bytes: Span<UInt8>) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        var offset = 0
        // struct nlmsghdr { u32 length; u16 type; u16 flags; u32 sequence; u32 port }
        while let length = bytes.word(at: offset, before: bytes.count).map(Int.init),
            let type = bytes.half(at: offset + 4, before: bytes.count),
            let flags = bytes.half(at: offset + 6, before: bytes.count),
            let sequence = bytes.word(at: offset + 8, before: bytes.count),
            length >= Netlink.headerSize, length <= bytes.count - offset
        {
            let body = (offset + Netlink.headerSize)..<(offset + length)
            if let content = content(of: type, flags, bytes, body) {
                let isInterrupted = flags & Netlink.flagInterrupted != 0
                messages.append(
                    NetlinkMessage(sequence: sequence, isInterrupted: isInterrupted, content: content))
            }
            offset += Netlink.aligned(length)
        }
        return messages
    }

    private static func content(
        of type: UInt16, _ flags: UInt16, _ bytes: Span<UInt8>, _ body: Range<Int>
    ) -> Content? {
        switch type {
        case Netlink.done, Netlink.error: .end
        case Netlink.newLink, Netlink.deleteLink: link(bytes, body, isGone: type == Netlink.deleteLink)
        case Netlink.newAddress, Netlink.deleteAddress: address(bytes, body, isGone: type == Netlink.deleteAddress)
        case Netlink.newRoute:
            route(bytes, body).map { .route($0, replaces: flags & Netlink.flagReplace != 0) }
        case Netlink.deleteRoute: route(bytes, body).map { .routeGone($0) }
        default: nil
        }
    }

    /// struct ifinfomsg { u8 family; u8 pad; u16 type; i32 index; u32 flags; u32 change }
    private static func link(_ bytes: Span<UInt8>, _ body: Range<Int>, isGone: Bool) -> Content? {
        // A bridge tells of its ports in messages that look the same, of a family of their own.
        guard body.count >= 16, bytes[body.lowerBound] == 0,
            let index = bytes.word(at: body.lowerBound + 4, before: body.upperBound), index > 0,
            let flags = bytes.word(at: body.lowerBound + 8, before: body.upperBound)
        else { return nil }
        if isGone { return .linkGone(index: index) }
        guard let name = attributes(bytes, body.dropFirst(16))[Netlink.linkName] else { return nil }
        let text = bytes.extracting(name)
        let length = (0..<text.count).first { text[$0] == 0 } ?? text.count
        let characters = (0..<length).map { text[$0] }
        return .link(index: index, name: String(decoding: characters, as: UTF8.self), flags: flags)
    }

    /// struct ifaddrmsg { u8 family; u8 prefix length; u8 flags; u8 scope; u32 index }
    private static func address(_ bytes: Span<UInt8>, _ body: Range<Int>, isGone: Bool) -> Content? {
        guard body.count >= 8, let index = bytes.word(at: body.lowerBound + 4, before: body.upperBound), index > 0
        else { return nil }
        let family = bytes[body.lowerBound]
        let found = attributes(bytes, body.dropFirst(8))
        // On a link from point to point, IFA_ADDRESS is the other end.
        guard let place = found[Netlink.addressLocal] ?? found[Netlink.addressAddress],
            let ip = bytes.ip(of: family, in: place), Int(bytes[body.lowerBound + 1]) <= ip.byteCount * 8
        else { return nil }
        let scoped = ip.family == .v6 && ip.isLinkLocal ? ip.scoped(to: index) : ip
        if isGone { return .addressGone(index: index, scoped) }
        let long = found[Netlink.addressFlags].flatMap { bytes.word(at: $0.lowerBound, before: $0.upperBound) }
        return .address(
            index: index, scoped, prefixLength: Int(bytes[body.lowerBound + 1]),
            flags: long ?? UInt32(bytes[body.lowerBound + 2]))
    }

    /// struct rtmsg { u8 family; u8 destination length; u8 source length; u8 tos; u8 table; u8 protocol; u8 scope; u8 type; u32 flags }
    private static func route(_ bytes: Span<UInt8>, _ body: Range<Int>) -> DefaultRoute? {
        let start = body.lowerBound
        guard body.count >= 12, bytes[start + 1] == 0, bytes[start + 2] == 0, bytes[start + 7] == Netlink.unicast,
            let family = IPAddress.Family(netlink: bytes[start]),
            let flags = bytes.word(at: start + 8, before: body.upperBound), flags & Netlink.cloned == 0
        else { return nil }
        let found = attributes(bytes, body.dropFirst(12))
        func number(_ type: UInt16) -> UInt32? {
            found[type].flatMap { bytes.word(at: $0.lowerBound, before: $0.upperBound) }
        }
        guard number(Netlink.routeTable) ?? UInt32(bytes[start + 4]) == Netlink.mainTable else { return nil }
        // struct rtnexthop { u16 length; u8 flags; u8 hops; i32 interface }
        let hop = found[Netlink.routeMultipath].flatMap { bytes.word(at: $0.lowerBound + 4, before: $0.upperBound) }
        guard let interface = number(Netlink.routeInterface) ?? hop else { return nil }
        let gateway = found[Netlink.routeGateway].flatMap { bytes.ip(of: bytes[start], in: $0) }
        return DefaultRoute(
            family: family, interface: interface, gateway: gateway, metric: number(Netlink.routePriority) ?? 0)
    }

    /// struct rtattr { u16 length; u16 type }, the value behind it; of two of a type the last counts.
    private static func attributes(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt16: Range<Int>] {
        var found: [UInt16: Range<Int>] = [:]
        var offset = range.lowerBound
        while let length = bytes.half(at: offset, before: range.upperBound).map(Int.init),
            let type = bytes.half(at: offset + 2, before: range.upperBound), length >= 4,
            length <= range.upperBound - offset
        {
            // The upper two bits say how the value is written.
            found[type & 0x3fff] = (offset + 4)..<(offset + length)
            offset += Netlink.aligned(length)
        }
        return found
    }
}

extension IPAddress.Family {
    fileprivate init?(netlink number: UInt8) {
        switch number {
        case Netlink.familyV4: self = .v4
        case Netlink.familyV6: self = .v6
        default: return nil
        }
    }
}

extension Span<UInt8> {
    /// The kernel writes numbers in the machine's own byte order.
    fileprivate func half(at offset: Int, before end: Int) -> UInt16? {
        guard offset >= 0, offset + 2 <= Swift.min(end, count) else { return nil }
        let (first, second) = (UInt16(self[offset]), UInt16(self[offset + 1]))
        return UInt16(littleEndian: 1) == 1 ? second << 8 | first : first << 8 | second
    }

    fileprivate func word(at offset: Int, before end: Int) -> UInt32? {
        guard let first = half(at: offset, before: end).map(UInt32.init),
            let second = half(at: offset + 2, before: end).map(UInt32.init)
        else { return nil }
        return UInt16(littleEndian: 1) == 1 ? second << 16 | first : first << 16 | second
    }

    /// An address in network byte order.
    fileprivate func ip(of family: UInt8, in range: Range<Int>) -> IPAddress? {
        func number(_ range: Range<Int>) -> UInt64 { range.reduce(0) { $0 << 8 | UInt64(self[$1]) } }
        switch (family, range.count) {
        case (Netlink.familyV4, 4): return IPAddress(v4: UInt32(truncatingIfNeeded: number(range)))
        case (Netlink.familyV6, 16):
            let middle = range.lowerBound + 8
            return IPAddress(v6High: number(range.lowerBound..<middle), low: number(middle..<range.upperBound))
        default: return nil
        }
    }
}
