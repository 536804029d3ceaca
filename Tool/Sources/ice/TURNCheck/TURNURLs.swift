import ICE

/// The URLs that a server is checked at.
enum TURNURLs {
    private static let defaultPorts = (clear: UInt16(3478), secure: UInt16(5349))

    /// The URL itself, or those of all four transports at its host.
    static func expand(_ url: String, allTransports: Bool) throws(ICESyntaxError) -> [String] {
        let parsed = try TURNClientConfiguration(url: url, username: "", password: "")
        guard allTransports else { return [url] }
        let isSecure = parsed.transport == .tls || parsed.transport == .dtls
        let port = parsed.port ?? (isSecure ? defaultPorts.secure : defaultPorts.clear)
        let host = parsed.host.contains(":") ? "[\(parsed.host)]" : parsed.host
        let clear = "turn:\(host):\(isSecure ? defaultPorts.clear : port)"
        let secure = "turns:\(host):\(isSecure ? port : defaultPorts.secure)"
        return [
            "\(clear)?transport=udp", "\(clear)?transport=tcp", "\(secure)?transport=tcp", "\(secure)?transport=udp",
        ]
    }
}
