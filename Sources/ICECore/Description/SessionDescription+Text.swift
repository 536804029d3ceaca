import NetBase

extension SessionDescription: CustomStringConvertible {
    /// The description as SDP, each line ended by CR and LF. It holds the passwords: it is for signalling, not for logs.
    public var description: String {
        var lines = ["v=0", "o=\(origin)", "s=\(name)"]
        if let connection { lines.append("c=\(connection)") }
        if !otherLines.contains(where: { $0.hasPrefix("t=") }) { lines.append("t=0 0") }
        if isLite { lines.append("a=ice-lite") }
        lines += Self.attributeLines(usernameFragment, password, options, pacingInterval)
        lines += otherLines
        if endOfCandidates { lines.append("a=end-of-candidates") }
        // RFC 8866 §9 fixes the order of the fields, and the media descriptions come last.
        lines = Self.sorted(lines, by: "vosiuepcbtzka")
        for description in media { lines += description.lines }
        return lines.map { $0 + "\r\n" }.joined()
    }

    fileprivate static func attributeLines(
        _ fragment: String?, _ password: String?, _ options: [String], _ pacing: Duration?
    ) -> [String] {
        var lines: [String] = []
        if let fragment { lines.append("a=ice-ufrag:\(fragment)") }
        if let password { lines.append("a=ice-pwd:\(password)") }
        if !options.isEmpty { lines.append("a=ice-options:\(options.joined(separator: " "))") }
        if let pacing { lines.append("a=ice-pacing:\(Int64(pacing / .milliseconds(1)))") }
        return lines
    }

    /// Brings lines into the order of their types that SDP asks for, and leaves lines of one type in theirs.
    fileprivate static func sorted(_ lines: [String], by order: String) -> [String] {
        func rank(_ line: String) -> Int {
            // Repeat times belong behind the times they repeat.
            let type = line.first == "r" ? "t" : line.first ?? "a"
            return order.firstIndex(of: type).map { order.distance(from: order.startIndex, to: $0) } ?? order.count
        }
        return lines.enumerated().map { (rank($0.element), $0.offset, $0.element) }
            .sorted { ($0.0, $0.1) < ($1.0, $1.1) }
            .map(\.2)
    }
}

extension SessionDescription: CustomDebugStringConvertible {
    /// How many streams there are; nothing that is secret.
    public var debugDescription: String { "SessionDescription(\(media.count) streams)" }
}

extension MediaDescription: CustomStringConvertible {
    /// The stream's `m=` line alone; nothing that is secret.
    public var description: String {
        let ports = portCount == 1 ? "\(port)" : "\(port)/\(portCount)"
        return "m=\(kind) \(ports) \(proto) \(formats.joined(separator: " "))"
    }

    fileprivate var lines: [String] {
        var lines: [String] = [description]
        if let connection { lines.append("c=\(connection)") }
        if let mid { lines.append("a=mid:\(mid)") }
        lines += SessionDescription.attributeLines(usernameFragment, password, options, pacingInterval)
        lines += otherLines
        if usesRTCPMultiplexing { lines.append("a=rtcp-mux") }
        if let rtcp { lines.append("a=rtcp:\(rtcp.port)" + (rtcp.address.map { " \($0)" } ?? "")) }
        if iceMismatch { lines.append("a=ice-mismatch") }
        if !remoteCandidates.isEmpty {
            let entries = remoteCandidates.map { "\($0.component.rawValue) \($0.address.ip) \($0.address.port)" }
            lines.append("a=remote-candidates:\(entries.joined(separator: " "))")
        }
        lines += candidates.map { "a=\($0)" }
        if endOfCandidates { lines.append("a=end-of-candidates") }
        // RFC 8866 §9: media-field, information-field, connection-field, bandwidth-fields, key-field, attribute-fields.
        return SessionDescription.sorted(lines, by: "micbka")
    }
}
