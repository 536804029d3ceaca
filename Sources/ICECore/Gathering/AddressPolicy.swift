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
        let usable = addresses.filter(isUsable)
        let tracked = usable.filter { isTrackable($0, among: usable) }
        let chosen = usable.filter { !tracked.contains($0) }
        var seen: Set<IPAddress> = []
        return chosen.enumerated()
            .sorted { (Self.order(of: $0.element), $0.offset) < (Self.order(of: $1.element), $1.offset) }
            .map(\.element.ip)
            .filter { seen.insert($0).inserted }
    }

    private func isUsable(_ address: InterfaceAddress) -> Bool {
        let ip = address.ip
        if let only { return only.contains { $0 == ip || $0 == ip.scoped(to: 0) } }
        if ip.isLoopback { return includesLoopback }
        // "Deprecated IPv4-compatible IPv6 addresses and IPv6 site-local unicast addresses MUST NOT be included", mapped SHOULD NOT.
        let isExcluded =
            ip.isUnspecified || ip.isMulticast || ip.isV4Compatible || ip.isSiteLocal || ip.isV4Mapped
        return !isExcluded && !address.isDeprecated
    }

    /// Where there is an address that can't be tracked, its prefix's trackable ones and all link-local ones stay unused.
    private func isTrackable(_ address: InterfaceAddress, among all: [InterfaceAddress]) -> Bool {
        guard only == nil, address.ip.family == .v6, !address.isTemporary, !address.ip.isLoopback else { return false }
        let temporary = all.filter(\.isTemporary)
        if address.ip.isLinkLocal { return !temporary.isEmpty }
        return temporary.contains { $0.interface == address.interface && $0.ip.high == address.ip.high }
    }

    private static func order(of address: InterfaceAddress) -> Int {
        let ip = address.ip
        if ip.isLoopback { return 4 }
        if ip.isLinkLocal { return 3 }
        guard ip.family == .v6 else { return 1 }
        let isUniqueLocal = ip.high >> 57 == 0xfc >> 1
        return isUniqueLocal ? 2 : 0
    }
}
