/// What the documents of a call are called in a store that has many.
struct CallKeys {
    /// The sign at the door, which is found by the room's name.
    let sign: String
    /// All else, which is found by the secret only.
    let call: String

    init(room: String, secret: RoomSecret) {
        sign = "rooms/\(room)"
        call = "calls/\(secret.callID)"
    }

    func description(of side: Side) -> String { "\(call)/\(side)" }
    func candidates(of side: Side) -> String { "\(call)/\(side)Candidates" }

    var documents: [String] { Side.allCases.flatMap { [description(of: $0), candidates(of: $0)] } }
    var all: [String] { [sign] + documents }
}

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

/// Why there is no call, in words for whoever runs the program.
struct RoomError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
