public import NetBase

/// What a ``NetworkMonitor`` knows of the machine's network at one moment.
public struct NetworkSnapshot: Hashable, Sendable {
    /// The interfaces, in the order of their indices.
    public internal(set) var links: [NetworkLink] = []

    /// The addresses of the interfaces that are usable, in the order of the interfaces.
    public internal(set) var addresses: [InterfaceAddress] = []

    /// The ways to all other networks; empty where the system does not tell.
    public internal(set) var defaultRoutes: [DefaultRoute] = []
}

/// A network interface and whether it carries anything.
public struct NetworkLink: Hashable, Sendable {
    /// The interface's name, such as `eth0`.
    public let name: String

    /// The interface's index, 1 and up.
    public let index: UInt32

    /// Whether it is switched on (IFF_UP).
    public let isUp: Bool

    /// Whether there is something at the other end, such as a cable or an access point (IFF_RUNNING).
    public let isRunning: Bool

    /// Whether packets can leave: it is switched on and there is something at the other end.
    public var isUsable: Bool { isUp && isRunning }
}

/// A way to all networks that have none of their own.
public struct DefaultRoute: Hashable, Sendable {
    /// The family of the addresses that it is for.
    public let family: IPAddress.Family

    /// The interface that packets leave through, by its index; of several, the first.
    public let interface: UInt32

    /// The router; nil where the interface itself is the way.
    public let gateway: IPAddress?

    /// Of several routes the one with the lowest metric is taken.
    public let metric: UInt32
}

/// One difference between two states of the network.
public enum NetworkChange: Hashable, Sendable {
    /// An address can be used that was not there before, or whose interface was not usable.
    case addressAdded(InterfaceAddress)
    /// An address is gone, or its interface is not usable any more.
    case addressRemoved(InterfaceAddress)
    /// An address that was there has become fit for new communication, or unfit: deprecated, or not yet known to be unique.
    case preferenceChanged(InterfaceAddress)
    /// An interface has become usable.
    case linkUp(NetworkLink)
    /// An interface was switched off, has lost its carrier (then ``NetworkLink/isUp`` still holds), or is gone.
    case linkDown(NetworkLink)
    /// The preferred way to other networks is another one, or there is none any more.
    case defaultRouteChanged(IPAddress.Family, DefaultRoute?)
}

extension NetworkSnapshot {
    /// What has changed since an earlier state: links first, then addresses that went and came, then routes.
    func changes(since earlier: NetworkSnapshot) -> [NetworkChange] {
        guard self != earlier else { return [] }
        return linkChanges(since: earlier) + addressChanges(since: earlier) + routeChanges(since: earlier)
    }

    /// The preferred default route of a family.
    public func defaultRoute(_ family: IPAddress.Family) -> DefaultRoute? {
        defaultRoutes.first { $0.family == family }
    }

    private func linkChanges(since earlier: NetworkSnapshot) -> [NetworkChange] {
        let before = Dictionary(uniqueKeysWithValues: earlier.links.map { ($0.index, $0) })
        let after = Dictionary(uniqueKeysWithValues: links.map { ($0.index, $0) })
        let down = earlier.links.filter { $0.isUsable && after[$0.index]?.isUsable != true }.map { link in
            after[link.index] ?? NetworkLink(name: link.name, index: link.index, isUp: false, isRunning: false)
        }
        let up = links.filter { $0.isUsable && before[$0.index]?.isUsable != true }
        return down.map(NetworkChange.linkDown) + up.map(NetworkChange.linkUp)
    }

    private func addressChanges(since earlier: NetworkSnapshot) -> [NetworkChange] {
        func byPlace(_ addresses: [InterfaceAddress]) -> [AddressPlace: InterfaceAddress] {
            Dictionary(addresses.map { (AddressPlace(index: $0.index, ip: $0.ip), $0) }) { first, _ in first }
        }
        let (before, after) = (byPlace(earlier.addresses), byPlace(addresses))
        let removed = earlier.addresses.filter { after[AddressPlace(index: $0.index, ip: $0.ip)] == nil }
        var changes = removed.map(NetworkChange.addressRemoved)
        for address in addresses {
            guard let old = before[AddressPlace(index: address.index, ip: address.ip)] else {
                changes.append(.addressAdded(address))
                continue
            }
            if old.isDeprecated != address.isDeprecated { changes.append(.preferenceChanged(address)) }
        }
        return changes
    }

    private func routeChanges(since earlier: NetworkSnapshot) -> [NetworkChange] {
        IPAddress.Family.allCases.compactMap { family in
            let route = defaultRoute(family)
            return route == earlier.defaultRoute(family) ? nil : .defaultRouteChanged(family, route)
        }
    }
}

/// Names an address: two interfaces may have the same one.
struct AddressPlace: Hashable {
    let index: UInt32
    let ip: IPAddress
}
