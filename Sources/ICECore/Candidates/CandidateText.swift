import NetBase

extension Candidate: CustomStringConvertible {
    /// The line of RFC 8839 §5.1 without `a=`, as browsers take it.
    public var description: String {
        var line = "candidate:\(foundation) \(component.rawValue) \(transport.token) \(priority) "
        line += "\(host) \(address.port) typ \(kind.rawValue)"
        if let related = relatedAddress ?? hiddenRelatedAddress {
            line += " raddr \(related.ip.scoped(to: 0)) rport \(related.port)"
        }
        if case .tcp(let type) = transport { line += " tcptype \(type.rawValue)" }
        for attribute in attributes { line += " \(attribute.name) \(attribute.value)" }
        return line
    }

    /// RFC 8839 §5.1: where the related address is not to be shown, it is written as the unspecified address and port 9.
    private var hiddenRelatedAddress: TransportAddress? {
        kind == .host ? nil : TransportAddress(.any(address.family), port: 9)
    }
}

extension Candidate.Transport {
    var token: String { self == .udp ? "udp" : "tcp" }
}

extension Candidate {
    /// Reads a `candidate:` line (RFC 8839 §5.1), with or without `a=` before it and a line end behind it.
    ///
    /// Accepted beyond the letter: extra spaces, any case of keywords, priorities up to 2³²−1, brackets and zones on addresses, a
    /// missing related address, an odd trailing token.
    ///
    /// - Throws: ``ICESyntaxError`` with code ``ICESyntaxError/Code/malformedCandidate`` for what is no candidate line, and
    ///   ``ICESyntaxError/Code/unsupportedCandidate`` for a well-formed one of an unknown type, transport or kind of address.
    public init(_ line: String) throws(ICESyntaxError) {
        var reader = try CandidateLineReader(line)
        guard let foundation = Foundation(try reader.next("foundation")) else {
            throw reader.malformed("the foundation must be 1 to 32 letters, digits, + or /")
        }
        guard let component = ComponentID(try reader.number("component", upTo: 256)) else {
            throw reader.malformed("the component must be 1 to 256")
        }
        let transport = try reader.next("transport").lowercased()
        let priority = UInt32(try reader.number("priority", upTo: Int(UInt32.max)))
        let host = try reader.next("address")
        let port = UInt16(try reader.number("port", upTo: 65535))
        guard try reader.next("typ").lowercased() == "typ" else { throw reader.malformed("typ must follow the port") }
        let type = try reader.next("type").lowercased()
        let attributes = reader.remainingAttributes()
        func value(of keyword: String) -> String? { attributes.first { $0.name.lowercased() == keyword }?.value }

        guard let kind = Kind(rawValue: type) else { throw reader.unsupported("the type \(type) is not known") }
        let name = Self.multicastHostName(host)
        guard let ip = name == nil ? IPAddress(candidateText: host) : .any(.v4) else {
            // RFC 8839 §5.1: "the presence of a colon indicates IPv6".
            throw !host.utf8.contains(UInt8(ascii: ":")) && host.utf8.contains { !$0.isAddressCharacter }
                ? reader.unsupported("the address \(host) is a host name")
                : reader.malformed("the address \(host) is neither IPv4 nor IPv6")
        }
        let tcpType = value(of: "tcptype")?.lowercased()
        let protocolUsed: Transport
        switch transport {
        case "udp":
            guard port != 0 else { throw reader.malformed("the port of a UDP candidate can't be 0") }
            protocolUsed = .udp
        case "tcp":
            protocolUsed = .tcp(tcpType.flatMap(TCPType.init(rawValue:)) ?? .passive)
        default: throw reader.unsupported("the transport \(transport) is not known")
        }
        let known: Set<String> = ["raddr", "rport", "tcptype"]
        self.init(
            foundation: foundation, component: component, transport: protocolUsed, priority: priority,
            address: TransportAddress(ip.unmapped, port: port), kind: kind,
            relatedAddress: Self.relatedAddress(value(of: "raddr"), port: value(of: "rport")),
            attributes: attributes.filter { !known.contains($0.name.lowercased()) })
        if let name { hostName = name }
    }

    /// draft-ietf-mmusic-mdns-ice-candidates §3.2.1: a name with exactly one dot, which ends in `.local`; no other name is ever looked up.
    private static func multicastHostName(_ text: String) -> String? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2, String(Substring(parts[1])).lowercased() == "local", 1...63 ~= parts[0].count,
            parts[0].allSatisfy({
                ($0.isICECharacter && $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/"))
                    || $0 == UInt8(ascii: "-")
            })
        else { return nil }
        return text
    }

    private static func relatedAddress(_ address: String?, port: String?) -> TransportAddress? {
        guard let address, let port, let ip = IPAddress(candidateText: address), let port = UInt16(port),
            !ip.isUnspecified
        else { return nil }
        return TransportAddress(ip, port: port)
    }
}

/// Takes the tokens of one candidate line from left to right.
private struct CandidateLineReader {
    private let line: String
    private var tokens: ArraySlice<Substring>

    /// Longer than any real line; what is beyond it is not looked at.
    private static let maximumLength = 4096

    init(_ line: String) throws(ICESyntaxError) {
        self.line = line
        tokens = []
        guard line.utf8.count <= Self.maximumLength else { throw malformed("longer than \(Self.maximumLength) bytes") }
        var text = line[...]
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        if text.hasPrefix("a=") { text = text.dropFirst(2) }
        guard text.prefix(10).lowercased() == "candidate:" else { throw malformed("it must begin with candidate:") }
        tokens = text.dropFirst(10).split(whereSeparator: \.isWhitespace)[...]
    }

    mutating func next(_ field: String) throws(ICESyntaxError) -> String {
        guard let token = tokens.popFirst() else { throw malformed("the \(field) is missing") }
        return String(token)
    }

    mutating func number(_ field: String, upTo limit: Int) throws(ICESyntaxError) -> Int {
        let token = try next(field)
        let digits = token.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        guard digits, let value = Int(token), value <= limit else {
            throw malformed("the \(field) must be a number up to \(limit)")
        }
        return value
    }

    mutating func remainingAttributes() -> [Candidate.Attribute] {
        var attributes: [Candidate.Attribute] = []
        while let name = tokens.popFirst(), let value = tokens.popFirst() {
            attributes.append(Candidate.Attribute(name: String(name), value: String(value)))
        }
        return attributes
    }

    func malformed(_ why: String) -> ICESyntaxError { ICESyntaxError(.malformedCandidate, why, in: line) }
    func unsupported(_ why: String) -> ICESyntaxError { ICESyntaxError(.unsupportedCandidate, why, in: line) }
}

extension IPAddress {
    /// Reads an address as candidate lines have been seen to carry it: with brackets, and with the sender's own zone, which means
    /// nothing here.
    init?(candidateText text: String) {
        var body = text[...]
        if body.first == "[", body.last == "]" { body = body.dropFirst().dropLast() }
        if let percent = body.firstIndex(of: "%") { body = body[..<percent] }
        self.init(String(body))
    }
}

extension UInt8 {
    /// Whether the character can stand in the text of an IP address.
    fileprivate var isAddressCharacter: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "["),
            UInt8(ascii: "]"),
            UInt8(ascii: "%"):
            true
        default: false
        }
    }
}
