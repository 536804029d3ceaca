import NetBase

/// How far an address that a machine may have reaches.
enum UnicastScope: Hashable, Sendable {
    case loopback
    case linkLocal
    /// RFC 1918, RFC 6598 and RFC 4193.
    case privateNetwork
    case global
}

extension IPAddress {
    /// How far the address reaches; nil where no machine may have it: unspecified, multicast, broadcast, reserved, IPv4 in IPv6.
    var unicastScope: UnicastScope? {
        if isUnspecified || isMulticast || isV4Mapped || isV4Compatible || isSiteLocal { return nil }
        if isLoopback { return .loopback }
        if isLinkLocal { return .linkLocal }
        guard family == .v4 else { return high >> 57 == 0xfc >> 1 ? .privateNetwork : .global }
        if low >> 24 == 0 || low >> 28 == 0xf { return nil }
        let isPrivate =
            low >> 24 == 10 || low >> 20 == 0xac1 || low >> 16 == 0xc0a8 || low >> 22 == 0x6440_0000 >> 22
        return isPrivate ? .privateNetwork : .global
    }
}

extension TransportAddress {
    /// Whether a request may be sent to an address because a server named it: it must reach as far as the server's own, so that a server
    /// on the Internet cannot point into the network of its clients.
    func isAskable(for server: TransportAddress) -> Bool {
        guard port != 0, family == server.family, let scope = ip.unicastScope else { return false }
        return scope == server.ip.unicastScope
    }
}
