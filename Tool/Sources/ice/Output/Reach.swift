import ICE

/// How far an address can be reached from.
enum Reach {
    /// What is to be said of a server's relayed address; nil where peers everywhere may reach it.
    ///
    /// - Parameter server: The server's host, with a port or without. One that is on such an address itself is meant for its own network.
    static func remark(onRelayed relayed: IPAddress, of server: String) -> String? {
        guard let word = word(for: relayed) else { return nil }
        let own = server == "localhost" ? .loopback(.v4) : IPAddress(server) ?? TransportAddress(server)?.ip
        let isMeantSo = own.flatMap { self.word(for: $0) } != nil
        return
            "the relayed address is \(word)\(isMeantSo ? ", as the server's is" : ""): peers elsewhere can't reach it"
            + (isMeantSo ? "" : "; set relay-ip or external-ip on the server")
    }

    /// Loopback, link-local (RFC 3927, RFC 4291), private (RFC 1918, RFC 4193); nil for other addresses.
    private static func word(for address: IPAddress) -> String? {
        let ip = address.unmapped
        if ip.isLoopback { return "a loopback one" }
        if ip.isLinkLocal { return "a link-local one" }
        let isPrivate =
            switch ip.family {
            case .v4: ip.low >> 24 == 10 || ip.low >> 20 == 0xac1 || ip.low >> 16 == 0xc0a8
            case .v6: ip.high >> 57 == 0xfc >> 1 || ip.isSiteLocal
            }
        return isPrivate ? "private" : nil
    }
}
