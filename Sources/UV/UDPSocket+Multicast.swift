import CLibUV
public import NetBase

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

// Multicast. Interfaces are named as libuv wants them: by one of their addresses for IPv4, by their index for IPv6.
extension UDPSocket {
    /// Joins a group on the interface that has an address.
    ///
    /// - Throws: ``NetworkError`` with code `addressInUse` where the socket is a member already.
    public func join(_ group: IPAddress, on interface: InterfaceAddress) throws(NetworkError) {
        try setMembership(group, on: interface, UV_JOIN_GROUP)
    }

    /// Leaves a group on the interface that has an address.
    public func leave(_ group: IPAddress, on interface: InterfaceAddress) throws(NetworkError) {
        try setMembership(group, on: interface, UV_LEAVE_GROUP)
    }

    private func setMembership(
        _ group: IPAddress, on interface: InterfaceAddress, _ membership: uv_membership
    ) throws(NetworkError) {
        let operation = "membership of \(group) on \(interface.interface)"
        let handle = try unsafe openHandle(as: uv_udp_t.self, operation)
        try check(
            unsafe uv_udp_set_membership(handle, group.scoped(to: 0).description, interface.multicastName, membership),
            operation)
    }

    /// Sends to groups through the interface that has an address, until another one is chosen.
    public func setMulticastInterface(_ interface: InterfaceAddress) throws(NetworkError) {
        let operation = "multicast interface \(interface.interface)"
        let handle = try unsafe openHandle(as: uv_udp_t.self, operation)
        try check(unsafe uv_udp_set_multicast_interface(handle, interface.multicastName), operation)
    }

    /// Sets the TTL, or hop limit, of what goes to groups and to single hosts: 1 to 255.
    public func setTimeToLive(_ value: UInt8) throws(NetworkError) {
        let operation = "TTL of \(localAddress)"
        let handle = try unsafe openHandle(as: uv_udp_t.self, operation)
        try check(unsafe uv_udp_set_multicast_ttl(handle, Int32(value)), operation)
        try check(unsafe uv_udp_set_ttl(handle, Int32(value)), operation)
    }

    /// Sets whether sockets of this machine get what is sent to a group they are members of; they do unless it is set.
    public func setMulticastLoopback(_ isOn: Bool) throws(NetworkError) {
        let operation = "multicast loopback of \(localAddress)"
        let handle = try unsafe openHandle(as: uv_udp_t.self, operation)
        try check(unsafe uv_udp_set_multicast_loop(handle, isOn ? 1 : 0), operation)
    }
}

extension NetworkInterfaces {
    /// The names of the interfaces that are up and know of multicast, loopback left out.
    public static func multicastInterfaces() throws(NetworkError) -> Set<String> {
        var list: UnsafeMutablePointer<ifaddrs>?
        try check(unsafe getifaddrs(&list) == 0 ? 0 : uv_translate_sys_error(errno), "list interfaces")
        defer { unsafe freeifaddrs(list) }
        let wanted = Int32(IFF_UP) | Int32(IFF_MULTICAST)
        var names: Set<String> = []
        var next = unsafe list
        while let entry = unsafe next {
            let flags = unsafe Int32(truncatingIfNeeded: entry.pointee.ifa_flags)
            if flags & wanted == wanted, flags & Int32(IFF_LOOPBACK) == 0 {
                unsafe names.insert(String(cString: entry.pointee.ifa_name))
            }
            unsafe next = entry.pointee.ifa_next
        }
        return names
    }
}

extension InterfaceAddress {
    /// libuv reads an IPv6 address for its zone alone.
    fileprivate var multicastName: String { ip.family == .v4 ? ip.description : "::%\(interface)" }
}
