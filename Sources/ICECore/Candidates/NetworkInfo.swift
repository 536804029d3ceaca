import NetBase
import STUN

/// Which of a machine's networks a candidate belongs to and what it costs, as browsers tell it in `network-id` and `network-cost`, and in
/// checks.
struct NetworkInfo: Hashable, Sendable {
    /// From 1, and the same for all candidates of a network.
    let id: UInt16
    /// 0 to 999; less is better.
    let cost: UInt16

    /// What candidate lines carry of it.
    var attributes: [Candidate.Attribute] {
        var attributes = [Candidate.Attribute(name: "network-id", value: String(id))]
        if cost > 0 { attributes.append(Candidate.Attribute(name: "network-cost", value: String(cost))) }
        return attributes
    }
}

/// The two networks that a pair goes between, as far as each side tells of its own.
struct Route: Hashable {
    let local: UInt16
    let remote: UInt16
}

extension CheckPair {
    var route: Route {
        let remote = self.remote.attributes.first { $0.name == "network-id" }.flatMap { UInt16($0.value) }
        return Route(local: local.network?.id ?? 0, remote: remote ?? 0)
    }
}

extension NetworkKind {
    /// The costs that libwebrtc gives to its adapter types.
    var cost: UInt16 {
        switch self {
        case .ethernet, .loopback: 0
        case .wifi: 10
        case .unknown: 50
        // One more than what it goes over, which nobody tells.
        case .vpn: 51
        case .cellular: 900
        }
    }
}

/// The numbers that a machine's networks are told by, which stay theirs as others come and go.
struct NetworkNumbers {
    /// By the interfaces' own indices; the place is the number.
    private var known: [UInt32] = []
    /// Where interfaces come and go without end, later ones share a number.
    private static let limit = 64

    /// Gives numbers to the networks that are new.
    mutating func note(_ addresses: [InterfaceAddress]) {
        let count = known.count
        for address in addresses where address.kind != .loopback && !known.contains(address.index) {
            known.append(address.index)
        }
        if known.count > count + 1 { known[count...].sort() }
        if known.count > Self.limit { known.removeLast(known.count - Self.limit) }
    }

    /// What is told of the network that an address belongs to; nil where the machine has had but one, which costs nothing.
    func info(of ip: IPAddress, among addresses: [InterfaceAddress]) -> NetworkInfo? {
        guard let own = addresses.first(where: { $0.ip == ip }), isTold(of: own) else { return nil }
        let place = known.firstIndex(of: own.index) ?? known.count
        return NetworkInfo(id: UInt16(clamping: place + 1), cost: own.kind.cost)
    }

    private func isTold(of address: InterfaceAddress) -> Bool {
        address.kind != .loopback && (known.count > 1 || address.kind.cost > 0)
    }

    /// The addresses whose network something is told of.
    func told(of addresses: [InterfaceAddress]) -> [InterfaceAddress] {
        if known.count < 2, addresses.allSatisfy({ $0.kind.cost == 0 }) { return [] }
        return addresses.filter(isTold)
    }
}
