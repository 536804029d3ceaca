import NetBase

#if os(Linux)
    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    extension NetworkKind {
        /// What sysfs tells of an interface (Documentation/ABI/testing/sysfs-class-net).
        init(ofInterface name: String) {
            // A name is never a path, as the kernel has no slashes in it.
            let place = "/sys/class/net/\(name)/"
            let number = firstLine(of: place + "type").flatMap { Int($0) }
            let device = firstLine(of: place + "uevent", after: "DEVTYPE=")
            self.init(hardwareType: number, deviceType: device, isTunnel: exists(place + "tun_flags"), name: name)
            if self == .ethernet, exists(place + "wireless") || exists(place + "phy80211") { self = .wifi }
        }

        /// ARPHRD_… of if_arp.h, the driver's own word, and names that modems' drivers give where they say nothing else.
        init(hardwareType: Int?, deviceType: String?, isTunnel: Bool, name: String) {
            switch (deviceType, hardwareType) {
            case ("wlan", _): self = .wifi
            case ("wwan", _): self = .cellular
            case ("wireguard", _): self = .vpn
            case (_, 772): self = .loopback
            case (_, 801), (_, 802), (_, 803): self = .wifi
            case _ where isTunnel: self = .vpn
            case _ where ["wwan", "rmnet", "ccmni"].contains(where: name.hasPrefix): self = .cellular
            case (_, 1): self = .ethernet
            // IP in IP, IPv6 in IPv4, GRE.
            case (_, 768), (_, 769), (_, 776), (_, 778), (_, 823): self = .vpn
            default: self = .unknown
            }
        }
    }

    private func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// The first line of a small file, or of those that begin so, without its beginning.
    private func firstLine(of path: String, after prefix: String = "") -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1024)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(prefix) }
        return line.map { String($0.dropFirst(prefix.count)) }
    }
#else
    extension NetworkKind {
        /// Only Linux is asked.
        init(ofInterface name: String) { self = name.hasPrefix("lo") ? .loopback : .unknown }
    }
#endif

extension NetworkSnapshot {
    /// The same with what the system says of each interface's kind.
    var knowingKinds: NetworkSnapshot {
        let kinds = Dictionary(links.map { ($0.name, NetworkKind(ofInterface: $0.name)) }) { first, _ in first }
        var snapshot = self
        snapshot.addresses = addresses.map { address in
            InterfaceAddress(
                interface: address.interface, index: address.index, ip: address.ip, prefixLength: address.prefixLength,
                isTemporary: address.isTemporary, isDeprecated: address.isDeprecated,
                kind: kinds[address.interface] ?? address.kind)
        }
        return snapshot
    }
}
