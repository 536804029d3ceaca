package import NetBase

/// Which of the machine's addresses become host candidates, and in which order of preference (RFC 8445 §5.1.1.1).
package struct AddressPolicy: Hashable, Sendable {
    /// Whether 127.0.0.1 and ::1 are used: for tests and for peers on the same machine.
    let includesLoopback: Bool

    /// Only these addresses, where given.
    let only: [IPAddress]?

    package init(includesLoopback: Bool = false, only: [IPAddress]? = nil) {
        self.includesLoopback = includesLoopback
        self.only = only
    }

    /// The addresses to bind, the most preferred first.
    package func select(from addresses: [InterfaceAddress]) -> [IPAddress] {
        let places = addresses.indices.filter { isUsable(addresses[$0].ip, isDeprecated: addresses[$0].isDeprecated) }
        guard places.count > 1 else { return places.map { addresses[$0].ip } }
        let usable = places.map { addresses[$0] }
        var seen = Set<IPAddress>(minimumCapacity: usable.count)
        let chosen = usable.filter { !isTrackable($0, among: usable) && seen.insert($0.ip).inserted }
        let ranks = Self.ranks.map { rank in chosen.filter { Self.rank(of: $0) == rank } }
        // RFC 8421 §3: addresses of interfaces that are known to be unreliable, or dear, come last.
        let costs = Set((ranks[0] + ranks[1]).map(\.kind.cost)).sorted()
        let preferred = costs.flatMap { cost in
            Self.intermingled(
                ranks[0].filter { $0.kind.cost == cost }, ranks[1].filter { $0.kind.cost == cost })
        }
        return (preferred + ranks[2...].joined()).map(\.ip)
    }

    /// RFC 8421 §4: an IPv4 address after every Hi = (N_4 + N_6) / N_4 IPv6 addresses, so that a family that is broken holds nothing up.
    private static func intermingled(_ v6: [InterfaceAddress], _ v4: [InterfaceAddress]) -> [InterfaceAddress] {
        guard !v4.isEmpty else { return v6 }
        let headStart = (v4.count + v6.count) / v4.count
        var mixed: [InterfaceAddress] = []
        var waiting = v4[...]
        for (index, address) in v6.enumerated() {
            mixed.append(address)
            if (index + 1) % headStart == 0, let next = waiting.popFirst() { mixed.append(next) }
        }
        return mixed + waiting
    }

    private func isUsable(_ ip: IPAddress, isDeprecated: Bool) -> Bool {
        if let only { return only.contains { $0 == ip || $0 == ip.scoped(to: 0) } }
        if ip.isLoopback { return includesLoopback }
        // "Deprecated IPv4-compatible IPv6 addresses and IPv6 site-local unicast addresses MUST NOT be included", mapped SHOULD NOT.
        let isExcluded =
            ip.isUnspecified || ip.isMulticast || ip.isV4Compatible || ip.isSiteLocal || ip.isV4Mapped
        return !isExcluded && !isDeprecated
    }

    /// Where there is an address that can't be tracked, its prefix's trackable ones and all link-local ones stay unused.
    private func isTrackable(_ address: InterfaceAddress, among all: [InterfaceAddress]) -> Bool {
        guard only == nil, address.ip.family == .v6, !address.isTemporary, !address.ip.isLoopback else { return false }
        if address.ip.isLinkLocal { return all.contains(where: \.isTemporary) }
        return all.contains {
            $0.isTemporary && $0.ip.high == address.ip.high && $0.interface == address.interface
        }
    }

    private static let ranks = 0...4

    private static func rank(of address: InterfaceAddress) -> Int {
        let ip = address.ip
        if ip.isLoopback { return 4 }
        if ip.isLinkLocal { return 3 }
        guard ip.family == .v6 else { return 1 }
        let isUniqueLocal = ip.high >> 57 == 0xfc >> 1
        return isUniqueLocal ? 2 : 0
    }
}
