/// Where a Redis server is: `127.0.0.1:6379`, `redis.example.org`, `[::1]:6379`.
struct RedisServer: CustomStringConvertible {
    let host: String
    let port: UInt16

    init?(_ text: String) {
        var host = text[...]
        var port = "6379"[...]
        let name = text.lastIndex(of: "]").map { text[$0...] } ?? text[...]
        if let colon = name.lastIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, let port = UInt16(port), port > 0 else { return nil }
        self.host = String(host)
        self.port = port
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
