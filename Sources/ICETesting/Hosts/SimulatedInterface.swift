public import NetBase

/// One network interface of a simulated host.
public final class SimulatedInterface {
    /// The interface's name, such as `eth0`.
    public let name: String

    /// The interface's index on its host; 1 is the loopback interface.
    public let index: UInt32

    /// The cable that it is plugged into.
    public let link: SimulatedLink

    /// The interface's addresses, in the order in which they were added.
    public private(set) var addresses: [InterfaceAddress] = []

    /// Whether the host sees the interface as up; while it is down its addresses are not listed and sending fails.
    public var isUp = true {
        didSet { if isUp != oldValue { onChange?() } }
    }

    /// The families for which the host knows a way beyond the interface's own network; sending to others fails at once.
    public var routedFamilies: Set<IPAddress.Family> = [.v4, .v6]

    /// Makes every send through the interface fail with a code, such as `.wouldBlock` or `.notPermitted`.
    public var sendFault: NetworkError.Code? {
        didSet { if oldValue == .wouldBlock, sendFault == nil { onWritable?() } }
    }

    /// The host is told when there is room again.
    var onWritable: (() -> Void)?

    /// The host is told of every change to what it may list.
    var onChange: (() -> Void)?

    /// What the interface leads to; it holds for the addresses that are added from now on.
    public var kind = NetworkKind.ethernet

    init(_ name: String, index: UInt32, link: SimulatedLink) {
        self.name = name
        self.index = index
        self.link = link
    }

    /// Gives the interface one more address; it must be new to the network it is attached to.
    public func addAddress(
        _ ip: IPAddress, prefixLength: Int? = nil, isTemporary: Bool = false, isDeprecated: Bool = false
    ) {
        link.segment.register(ip, at: link)
        let prefixLength = prefixLength ?? (ip.family == .v4 ? 24 : 64)
        addresses.append(
            InterfaceAddress(
                interface: name, index: index, ip: scoped(ip), prefixLength: prefixLength, isTemporary: isTemporary,
                isDeprecated: isDeprecated, kind: kind))
        onChange?()
    }

    /// Makes an address fit or unfit for new communication, as the lifetimes of IPv6 addresses do.
    public func setDeprecated(_ isDeprecated: Bool, _ ip: IPAddress) {
        guard let position = addresses.firstIndex(where: { $0.ip == scoped(ip) }) else { return }
        let old = addresses[position]
        addresses[position] = InterfaceAddress(
            interface: old.interface, index: old.index, ip: old.ip, prefixLength: old.prefixLength,
            isTemporary: old.isTemporary, isDeprecated: isDeprecated, kind: old.kind)
        onChange?()
    }

    /// Takes an address away; sockets that are bound to it stay, cannot send (`.addressNotAvailable`) and receive nothing.
    public func removeAddress(_ ip: IPAddress) {
        let ip = scoped(ip)
        guard let position = addresses.firstIndex(where: { $0.ip == ip }) else { return }
        addresses.remove(at: position)
        link.segment.unregister(ip)
        onChange?()
    }

    func removeAllAddresses() {
        for address in addresses { link.segment.unregister(address.ip) }
        addresses = []
        onChange?()
    }

    func has(_ ip: IPAddress) -> Bool { addresses.contains { $0.ip == ip } }

    /// Link-local addresses carry the interface's index on its own host, and nothing on the wire.
    func scoped(_ ip: IPAddress) -> IPAddress {
        ip.family == .v6 && ip.isLinkLocal ? ip.scoped(to: index) : ip.scoped(to: 0)
    }
}
