import CLibUV
public import NetBase

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The network interfaces of this machine.
///
/// ```swift
/// for address in try NetworkInterfaces.addresses() { print(address.interface, address.ip, address.kind) }
/// ```
public enum NetworkInterfaces {
    /// The addresses of all interfaces that are up.
    ///
    /// Only on Linux is it known which IPv6 addresses are temporary or deprecated.
    public static func addresses() throws(NetworkError) -> [InterfaceAddress] {
        var list: UnsafeMutablePointer<uv_interface_address_t>?
        var count: Int32 = 0
        try check(unsafe uv_interface_addresses(&list, &count), "list interfaces")
        defer { unsafe uv_free_interface_addresses(list, count) }
        let flags = IPv6AddressFlags.all()
        let entries = unsafe UnsafeMutableBufferPointer(start: list, count: Int(count))
        var kinds: [String: NetworkKind] = [:]
        return unsafe entries.compactMap { unsafe address(of: $0, flags, &kinds) }
    }

    /// The address that packets to a destination leave from, by the routes there are; nothing is sent.
    ///
    /// - Throws: ``NetworkError`` with code `networkUnreachable` or the like where no route leads there.
    public static func sourceAddress(towards destination: IPAddress) throws(NetworkError) -> IPAddress {
        let operation = "find the route to \(destination)"
        let family = destination.family == .v4 ? SocketConstant.familyV4 : SocketConstant.familyV6
        let descriptor = socket(family, SocketConstant.datagram, 0)
        try check(descriptor >= 0 ? 0 : uv_translate_sys_error(errno), operation)
        defer { close(descriptor) }
        // The discard service's port: connecting a datagram socket only asks the routes, and no packet leaves.
        let size = destination.family == .v4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        let result = unsafe TransportAddress(destination, port: 9).withSocketAddress {
            unsafe connect(descriptor, $0, socklen_t(size))
        }
        try check(result == 0 ? 0 : uv_translate_sys_error(errno), operation)
        let local = unsafe TransportAddress { address, length in
            var size = unsafe socklen_t(length.pointee)
            return unsafe getsockname(descriptor, address, &size)
        }
        guard let local else { throw NetworkError(status: uv_translate_sys_error(errno), operation) }
        return local.ip
    }

    private static func address(
        of entry: uv_interface_address_t, _ flags: [IPAddress: IPv6AddressFlags], _ kinds: inout [String: NetworkKind]
    ) -> InterfaceAddress? {
        guard let name = unsafe entry.name, let ip = unsafe ip(of: entry.address),
            let netmask = unsafe mask(of: entry.netmask)
        else { return nil }
        let index = unsafe if_nametoindex(name)
        let scoped = ip.family == .v6 && ip.isLinkLocal ? ip.scoped(to: index) : ip.scoped(to: 0)
        let flag = flags[scoped] ?? []
        let interface = unsafe String(cString: name)
        let kind = kinds[interface] ?? NetworkKind(ofInterface: interface)
        kinds[interface] = kind
        return InterfaceAddress(
            interface: interface, index: index, ip: scoped, prefixLength: netmask.prefixLength,
            isTemporary: flag.contains(.temporary), isDeprecated: !flag.isDisjoint(with: .unfit), kind: kind)
    }

    // The two unions of libuv's entry have types of their own.
    private static func ip(of address: uv_interface_address_s.__Unnamed_union_address) -> IPAddress? {
        var address = address
        return unsafe withUnsafeBytes(of: &address) { unsafe ip(in: $0) }
    }

    private static func mask(of netmask: uv_interface_address_s.__Unnamed_union_netmask) -> IPAddress? {
        var netmask = netmask
        return unsafe withUnsafeBytes(of: &netmask) { unsafe ip(in: $0) }
    }

    private static func ip(in bytes: UnsafeRawBufferPointer) -> IPAddress? {
        guard let start = bytes.baseAddress else { return nil }
        return unsafe TransportAddress(start.assumingMemoryBound(to: sockaddr.self))?.ip
    }
}

extension IPAddress {
    /// The number of leading ones of a netmask.
    fileprivate var prefixLength: Int {
        guard family == .v6 else { return (~UInt32(truncatingIfNeeded: low)).leadingZeroBitCount }
        return ~high == 0 ? 64 + (~low).leadingZeroBitCount : (~high).leadingZeroBitCount
    }
}

/// What Linux knows of an IPv6 address beyond the address (`IFA_F_…` in linux/if_addr.h).
struct IPv6AddressFlags: OptionSet {
    let rawValue: UInt32

    static let temporary = IPv6AddressFlags(rawValue: 0x01)
    static let duplicate = IPv6AddressFlags(rawValue: 0x08)
    static let deprecated = IPv6AddressFlags(rawValue: 0x20)
    static let tentative = IPv6AddressFlags(rawValue: 0x40)
    static let unfit: IPv6AddressFlags = [.duplicate, .deprecated, .tentative]

    /// The flags of all IPv6 addresses; empty where the system does not tell.
    static func all() -> [IPAddress: IPv6AddressFlags] {
        #if os(Linux)
            guard let text = contents(of: "/proc/net/if_inet6") else { return [:] }
            return parse(text)
        #else
            return [:]
        #endif
    }

    /// Reads lines of `address-as-32-hex-digits index prefix-length scope flags name`, all but the name in hexadecimal.
    static func parse(_ text: String) -> [IPAddress: IPv6AddressFlags] {
        var flags: [IPAddress: IPv6AddressFlags] = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count == 6, fields[0].utf8.count == 32, let high = UInt64(fields[0].prefix(16), radix: 16),
                let low = UInt64(fields[0].dropFirst(16), radix: 16), let index = UInt32(fields[1], radix: 16),
                let bits = UInt32(fields[4], radix: 16)
            else { continue }
            let ip = IPAddress(v6High: high, low: low)
            flags[ip.isLinkLocal ? ip.scoped(to: index) : ip] = IPv6AddressFlags(rawValue: bits)
        }
        return flags
    }

    #if os(Linux)
        private static func contents(of path: String) -> String? {
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return nil }
            defer { _ = close(descriptor) }
            var bytes: [UInt8] = []
            var chunk = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = unsafe read(descriptor, &chunk, chunk.count)
                guard count > 0 else { break }
                bytes += chunk[..<count]
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    #endif
}
