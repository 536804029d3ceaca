import NetBase

extension SessionDescription {
    /// The longest text that is read, in bytes: many times what browsers write for a large conference.
    public static let maximumLength = 262_144

    /// The most streams that are read.
    public static let maximumMediaCount = 1024

    /// Reads an SDP offer or answer; its lines end with CR and LF, or LF alone.
    ///
    /// - Throws: ``ICESyntaxError`` with code ``ICESyntaxError/Code/malformedDescription`` when the text is too long, has too many
    ///   streams, does not begin with `v=0`, or has an `m=` line that can't be read. Other faults are left out and listed in
    ///   ``ignoredLines``.
    public init(_ text: String) throws(ICESyntaxError) {
        guard text.utf8.count <= Self.maximumLength else {
            throw ICESyntaxError(
                .malformedDescription, withholdingText: "a description is at most \(Self.maximumLength) bytes long")
        }
        var reader = DescriptionReader()
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (offset, line) in lines.enumerated() {
            let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if !content.isEmpty { try reader.read(Substring(content), number: offset + 1) }
        }
        guard reader.hasBegun else { throw DescriptionReader.missingVersion }
        self = reader.session
    }
}

/// Takes the lines of a description from top to bottom.
private struct DescriptionReader {
    private(set) var session = SessionDescription()
    private(set) var hasBegun = false
    private var number = 0

    /// The lines below the current `m=` line go here, and into the session when the next one comes.
    private var stream: Int? { session.media.isEmpty ? nil : session.media.count - 1 }

    static let missingVersion = ICESyntaxError(
        .malformedDescription, withholdingText: "a description begins with the line v=0")

    mutating func read(_ line: Substring, number: Int) throws(ICESyntaxError) {
        self.number = number
        guard hasBegun else {
            guard line == "v=0" else { throw Self.missingVersion }
            hasBegun = true
            return
        }
        guard line.utf8.count >= 2, line.utf8[line.utf8.index(after: line.startIndex)] == UInt8(ascii: "=") else {
            return ignore("a line is a letter, =, and a value")
        }
        let value = Substring(line.utf8.dropFirst(2))
        switch line.first {
        case "m": try beginMedia(value)
        case "o" where stream == nil: session.origin = String(value)
        case "s" where stream == nil: session.name = String(value)
        case "c": readConnection(value)
        case "a": readAttribute(value, line)
        case "t" where value == "0 0": break  // The session that is not bounded in time is what is written anyway.
        default: keep(line)
        }
    }

    private mutating func ignore(_ why: String) {
        // The line itself is not shown: it may hold a password.
        ignore(ICESyntaxError(.malformedDescription, withholdingText: why))
    }

    private mutating func ignore(_ error: ICESyntaxError) {
        session.ignoredLines.append(SessionDescription.IgnoredLine(number: number, error: error))
    }

    private mutating func keep(_ line: Substring) {
        if let stream {
            session.media[stream].otherLines.append(String(line))
        } else {
            session.otherLines.append(String(line))
        }
    }

    /// RFC 8866 §5.14: "m=<media> <port>/<number of ports> <proto> <fmt> ...".
    private mutating func beginMedia(_ value: Substring) throws(ICESyntaxError) {
        guard session.media.count < SessionDescription.maximumMediaCount else {
            throw ICESyntaxError(
                .malformedDescription,
                withholdingText: "a description has at most \(SessionDescription.maximumMediaCount) streams")
        }
        let tokens = value.split(separator: " ").map(String.init)
        let ports = tokens.count > 1 ? tokens[1].split(separator: "/", omittingEmptySubsequences: false) : []
        guard tokens.count >= 3, 1...2 ~= ports.count, let port = UInt16(digits: ports[0]),
            let count = ports.count == 2 ? UInt16(digits: ports[1]) : 1, count > 0
        else {
            throw ICESyntaxError(
                .malformedDescription, "an m= line has a kind, a port up to 65535, a protocol and formats",
                in: "m=\(value)")
        }
        var media = MediaDescription(kind: tokens[0], port: port, proto: tokens[2], formats: Array(tokens[3...]))
        media.portCount = Int(count)
        session.media.append(media)
    }

    private mutating func readConnection(_ value: Substring) {
        guard let connection = ConnectionAddress(String(value)) else {
            return ignore("a c= line has IN, IP4 or IP6, and an address of that kind")
        }
        if let stream {
            session.media[stream].connection = session.media[stream].connection ?? connection
        } else {
            session.connection = session.connection ?? connection
        }
    }

    // MARK: Attributes

    private mutating func readAttribute(_ attribute: Substring, _ line: Substring) {
        let parts = attribute.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count == 2 ? parts[1].trimmed : ""
        switch (parts.first?.trimmed ?? "", stream) {
        case ("ice-ufrag", nil): session.usernameFragment = session.usernameFragment ?? value
        case ("ice-ufrag", let stream?):
            session.media[stream].usernameFragment = session.media[stream].usernameFragment ?? value
        case ("ice-pwd", nil): session.password = session.password ?? value
        case ("ice-pwd", let stream?): session.media[stream].password = session.media[stream].password ?? value
        case ("ice-options", nil): session.options += Self.options(value)
        case ("ice-options", let stream?): session.media[stream].options += Self.options(value)
        case ("ice-pacing", _): readPacing(value)
        case ("ice-lite", nil): session.isLite = true
        case ("end-of-candidates", nil): session.endOfCandidates = true
        case ("end-of-candidates", let stream?): session.media[stream].endOfCandidates = true
        case ("candidate", _): readCandidate(attribute)
        case ("mid", let stream?): session.media[stream].mid = session.media[stream].mid ?? value
        case ("rtcp-mux", let stream?): session.media[stream].usesRTCPMultiplexing = true
        case ("rtcp-mux-only", let stream?):
            session.media[stream].usesRTCPMultiplexing = true
            keep(line)
        case ("rtcp", let stream?): readRTCP(value, stream)
        case ("remote-candidates", let stream?): readRemoteCandidates(value, stream)
        case ("ice-mismatch", let stream?): session.media[stream].iceMismatch = true
        default: keep(line)
        }
    }

    private static func options(_ value: String) -> [String] {
        value.split(separator: " ").map(String.init)
    }

    /// RFC 8839 §5.5: "pacing-value = 1*10DIGIT", in milliseconds.
    private mutating func readPacing(_ value: String) {
        guard 1...10 ~= value.utf8.count, value.utf8.allSatisfy(\.isDigit), let milliseconds = Int64(value) else {
            return ignore("a=ice-pacing has a number of milliseconds")
        }
        if let stream {
            session.media[stream].pacingInterval = .milliseconds(milliseconds)
        } else {
            session.pacingInterval = .milliseconds(milliseconds)
        }
    }

    private mutating func readCandidate(_ attribute: Substring) {
        guard let stream else { return ignore("a=candidate belongs below an m= line") }
        do throws(ICESyntaxError) {
            var candidate = try Candidate(String(attribute))
            candidate.stream = StreamID(stream)
            session.media[stream].candidates.append(candidate)
        } catch {
            // RFC 8839 §5.1: a candidate that isn't understood is ignored, and not the description.
            ignore(error)
        }
    }

    /// RFC 3605 §2.1: "a=rtcp:" port [nettype space addrtype space connection-address].
    private mutating func readRTCP(_ value: String, _ stream: Int) {
        let parts = value.split(separator: " ", maxSplits: 1)
        let address = parts.count == 2 ? ConnectionAddress(String(parts[1])) : nil
        guard let first = parts.first, let port = UInt16(digits: first), (parts.count == 2) == (address != nil) else {
            return ignore("a=rtcp has a port, and perhaps IN, IP4 or IP6, and an address")
        }
        session.media[stream].rtcp = MediaDescription.RTCP(port: port, address: address)
    }

    private mutating func readRemoteCandidates(_ value: String, _ stream: Int) {
        var tokens = value.split(separator: " ")[...]
        var entries: [MediaDescription.RemoteCandidate] = []
        while let number = tokens.popFirst() {
            guard let component = UInt16(digits: number).flatMap({ ComponentID(Int($0)) }),
                let ip = tokens.popFirst().flatMap({ IPAddress(String($0)) }),
                let port = tokens.popFirst().flatMap(UInt16.init(digits:))
            else { return ignore("a=remote-candidates has a component, an IP address and a port for each component") }
            entries.append(.init(component: component, address: TransportAddress(ip, port: port)))
        }
        session.media[stream].remoteCandidates += entries
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }
}

extension UInt16 {
    /// A number of decimal digits alone, without a sign.
    fileprivate init?(digits text: Substring) {
        guard text.utf8.allSatisfy(\.isDigit), let number = UInt16(text) else { return nil }
        self = number
    }
}

extension Substring {
    fileprivate var trimmed: String {
        var text = self
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
