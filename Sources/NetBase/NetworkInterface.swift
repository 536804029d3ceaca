/// One address of one network interface of this machine.
public struct InterfaceAddress: Hashable, Sendable {
    /// The interface's name, such as `eth0`.
    public let interface: String

    /// The interface's index, 1 and up; the scope of its link-local addresses.
    public let index: UInt32

    /// The address; link-local IPv6 addresses carry the interface's index as their scope.
    public let ip: IPAddress

    /// The length of the network prefix in bits.
    public let prefixLength: Int

    /// Whether this is a temporary (privacy) IPv6 address (RFC 8981).
    public let isTemporary: Bool

    /// Whether the address should not be used for new communication: deprecated, tentative or duplicate.
    public let isDeprecated: Bool

    /// What the interface leads to.
    public let kind: NetworkKind

    /// One address of one interface.
    public init(
        interface: String, index: UInt32, ip: IPAddress, prefixLength: Int, isTemporary: Bool = false,
        isDeprecated: Bool = false, kind: NetworkKind = .ethernet
    ) {
        self.interface = interface
        self.index = index
        self.ip = ip
        self.prefixLength = prefixLength
        self.isTemporary = isTemporary
        self.isDeprecated = isDeprecated
        self.kind = kind
    }
}

extension InterfaceAddress {
    /// Whether an address is in the address's own network prefix.
    package func covers(_ other: IPAddress) -> Bool {
        guard ip.family == other.family else { return false }
        return (0..<ip.byteCount).allSatisfy { index in
            let bits = min(8, max(0, prefixLength - 8 * index))
            return (ip[byte: index] ^ other[byte: index]) >> (8 - bits) == 0
        }
    }
}
