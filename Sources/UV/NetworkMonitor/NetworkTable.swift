import NetBase

/// The links, addresses and default routes that messages of the kernel have told of.
struct NetworkTable {
    private var links: [UInt32: (name: String, flags: UInt32)] = [:]
    private var addresses: [AddressPlace: (prefixLength: Int, flags: UInt32)] = [:]
    private var routes: Set<DefaultRoute> = []

    /// Takes a message.
    ///
    /// - Returns: False where more may have gone than the message says: of routes that go with their interface or address the kernel does
    ///   not tell one by one.
    mutating func apply(_ content: NetlinkMessage.Content) -> Bool {
        switch content {
        case .link(let index, let name, let flags):
            let wasUp = (links[index]?.flags ?? 0) & Netlink.linkUp != 0
            links[index] = (name, flags)
            return !wasUp || flags & Netlink.linkUp != 0 || !hasRoute(over: index)
        case .linkGone(let index):
            links[index] = nil
            addresses = addresses.filter { $0.key.index != index }
            return !hasRoute(over: index)
        case .address(let index, let ip, let prefixLength, let flags):
            addresses[AddressPlace(index: index, ip: ip)] = (prefixLength, flags)
        case .addressGone(let index, let ip):
            guard addresses.removeValue(forKey: AddressPlace(index: index, ip: ip)) != nil else { return true }
            return !hasRoute(over: index)
        case .route(let route, let replaces):
            if replaces { routes = routes.filter { $0.family != route.family || $0.metric != route.metric } }
            routes.insert(route)
        case .routeGone(let route):
            routes.remove(route)
        case .end:
            break
        }
        return true
    }

    private func hasRoute(over index: UInt32) -> Bool { routes.contains { $0.interface == index } }

    /// All there is, in an order that depends on nothing else.
    var snapshot: NetworkSnapshot {
        let sorted = links.sorted { $0.key < $1.key }.map { index, link in
            NetworkLink(
                name: link.name, index: index, isUp: link.flags & Netlink.linkUp != 0,
                isRunning: link.flags & Netlink.linkRunning != 0)
        }
        let usable = Set(sorted.filter(\.isUsable).map(\.index))
        return NetworkSnapshot(
            links: sorted,
            addresses: addresses.compactMap { place, known in
                usable.contains(place.index) ? interfaceAddress(place, known.prefixLength, known.flags) : nil
            }.sorted(),
            defaultRoutes: routes.filter { usable.contains($0.interface) }.sorted {
                ($0.metric, $0.interface, $0.gateway?.low ?? 0) < ($1.metric, $1.interface, $1.gateway?.low ?? 0)
            })
    }

    private func interfaceAddress(_ place: AddressPlace, _ prefixLength: Int, _ bits: UInt32) -> InterfaceAddress {
        // Of an IPv4 address the bit for "temporary" says "secondary".
        let flags: IPv6AddressFlags = place.ip.family == .v6 ? IPv6AddressFlags(rawValue: bits) : []
        return InterfaceAddress(
            interface: links[place.index]?.name ?? "", index: place.index, ip: place.ip, prefixLength: prefixLength,
            isTemporary: flags.contains(.temporary), isDeprecated: !flags.isDisjoint(with: .unfit))
    }
}

extension [InterfaceAddress] {
    /// By interface, then IPv4 before IPv6, then by number.
    func sorted() -> [InterfaceAddress] {
        sorted { a, b in
            let families = (a.ip.family == .v4 ? 0 : 1, b.ip.family == .v4 ? 0 : 1)
            return (a.index, families.0, a.ip.high, a.ip.low) < (b.index, families.1, b.ip.high, b.ip.low)
        }
    }
}
