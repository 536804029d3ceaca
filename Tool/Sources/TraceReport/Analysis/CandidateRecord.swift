import ICE

/// A candidate of either side, as a trace tells of it.
struct CandidateRecord: Sendable {
    /// How this agent came to know of it.
    enum Origin: String, Sendable, Encodable {
        case gathered, signalled, learned, merged, ignored
    }

    let id: String
    let line: Int
    let time: Double
    let generation: Int
    let path: PathRecord
    /// `192.0.2.1:50000`, or the name that stands for it.
    let place: String
    /// `host`, `srflx`, `prflx`, `relay`; empty where it can't be told.
    let kind: String
    let priority: Int?
    /// The server that it came from.
    let url: String?
    let related: String?
    private let ip: IPAddress?
    var origin: Origin
    /// Why it is not used.
    var ignoredBecause: String?
    var removedAt: Double?

    init?(_ event: TraceEvent, generation: Int, origin: Origin) {
        guard let text = event.candidate else { return nil }
        let candidate = try? Candidate(text)
        place =
            candidate.map { parsed in parsed.hostName.map { "\($0):\(parsed.address.port)" } ?? "\(parsed.address)" }
            ?? text
        kind = candidate?.kind.rawValue ?? ""
        priority = candidate.map { Int($0.priority) }
        related = candidate?.relatedAddress.map { "\($0)" }
        ip = candidate?.hostName == nil ? candidate?.address.ip : nil
        id = event.candidateID ?? place
        line = event.line
        time = event.time
        self.generation = event.generation ?? generation
        path = PathRecord(event)
        url = event.url
        self.origin = origin
        ignoredBecause = origin == .ignored ? event.reason : nil
    }

    /// `192.0.2.1:50000 (host)`, as pairs are written.
    var description: String { kind.isEmpty ? place : "\(place) (\(kind))" }

    /// Which socket it is received on: `L3` of `L3-192.0.2.1:50000`.
    var socket: Substring { id.prefix { $0 != "-" } }

    var family: String? { ip.map { $0.family == .v4 ? "IPv4" : "IPv6" } }

    /// Whether nobody outside its own network can reach it.
    var isPrivate: Bool {
        guard let ip else { return place.contains(".local:") }
        return ip.isOfPrivateNetwork
    }

    var isHidden: Bool { ip?.isUnspecified == true }
}

/// A component of a stream.
struct PathRecord: Hashable, Sendable, Comparable {
    let stream: Int
    let component: Int

    init(_ event: TraceEvent) { (stream, component) = (event.stream, event.component) }

    static func < (a: PathRecord, b: PathRecord) -> Bool { (a.stream, a.component) < (b.stream, b.component) }

    var description: String { "stream \(stream), component \(component)" }
}

extension IPAddress {
    /// RFC 1918, RFC 6598, RFC 4193, link-local and loopback addresses.
    fileprivate var isOfPrivateNetwork: Bool {
        if isLoopback || isLinkLocal || isSiteLocal { return true }
        let bytes = bytes
        guard family == .v4 else { return bytes[0] & 0xfe == 0xfc }
        switch (bytes[0], bytes[1]) {
        case (10, _), (192, 168), (172, 16...31), (100, 64...127): return true
        default: return false
        }
    }
}
