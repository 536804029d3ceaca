extension IPAddress: LosslessStringConvertible, CustomStringConvertible {
    /// Reads dotted IPv4 (four decimal numbers, no leading zeros) or RFC 4291 IPv6 text, with an optional numeric `%scope`.
    ///
    /// Returns nil for anything else, names of interfaces as scopes included.
    public init?(_ text: String) {
        var body = text[...].utf8
        var scopeID: UInt32 = 0
        if let percent = body.firstIndex(of: UInt8(ascii: "%")) {
            guard let number = UInt32(Substring(body[body.index(after: percent)...])) else { return nil }
            scopeID = number
            body = body[..<percent]
        }
        if body.contains(UInt8(ascii: ":")) {
            guard let groups = Self.parseV6(body) else { return nil }
            let high = groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
            let low = groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
            self.init(v6High: high, low: low, scopeID: scopeID)
        } else {
            guard scopeID == 0, let bits = Self.parseV4(body) else { return nil }
            self.init(v4: bits)
        }
    }

    /// The text of RFC 5952 for IPv6, dotted decimal for IPv4, with `%scope` where there is one.
    public var description: String {
        guard family == .v6 else {
            return "\(self[byte: 0]).\(self[byte: 1]).\(self[byte: 2]).\(self[byte: 3])"
        }
        let scope = scopeID == 0 ? "" : "%\(scopeID)"
        if isV4Mapped { return "::ffff:\(unmapped)\(scope)" }
        let groups = (0..<8).map { UInt16(self[byte: 2 * $0]) << 8 | UInt16(self[byte: 2 * $0 + 1]) }
        guard let zeros = Self.longestZeroRun(in: groups) else {
            return Self.join(groups[...]) + scope
        }
        return "\(Self.join(groups[..<zeros.lowerBound]))::\(Self.join(groups[zeros.upperBound...]))\(scope)"
    }

    private static func join(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    /// RFC 5952 §4.2: the longest run of two or more zero groups, the first of equals, is shortened.
    private static func longestZeroRun(in groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > max(1, best?.count ?? 0) { best = start..<end }
            start = max(end, start + 1)
        }
        return best
    }

    private static func parseV4(_ text: Substring.UTF8View) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            let digits = part.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
            let leadingZero = part.count > 1 && part.first == UInt8(ascii: "0")
            guard digits, !leadingZero, let value = UInt8(Substring(part)) else { return nil }
            bits = bits << 8 | UInt32(value)
        }
        return bits
    }

    private static func parseV6(_ text: Substring.UTF8View) -> [UInt16]? {
        let colon = UInt8(ascii: ":")
        var head: [UInt16] = []
        var tail: [UInt16] = []
        var sawGap = false
        var rest = text
        while !rest.isEmpty {
            if rest.starts(with: [colon, colon]) {
                guard !sawGap else { return nil }
                sawGap = true
                rest = rest.dropFirst(2)
                continue
            }
            let isAfterGap = sawGap && tail.isEmpty
            if !isAfterGap, !(head.isEmpty && tail.isEmpty) {
                guard rest.first == colon else { return nil }
                rest = rest.dropFirst()
            }
            let part = rest.prefix { $0 != colon }
            rest = rest[part.endIndex...]
            guard let groups = parseV6Part(part, isLast: rest.isEmpty) else { return nil }
            if sawGap { tail += groups } else { head += groups }
        }
        let missing = 8 - head.count - tail.count
        guard sawGap ? missing >= 1 : missing == 0 else { return nil }
        return head + Array(repeating: 0, count: missing) + tail
    }

    private static func parseV6Part(_ part: Substring.UTF8View, isLast: Bool) -> [UInt16]? {
        if isLast, part.contains(UInt8(ascii: ".")) {
            return parseV4(part).map { [UInt16($0 >> 16), UInt16(truncatingIfNeeded: $0)] }
        }
        guard 1...4 ~= part.count, part.first != UInt8(ascii: "+"), part.first != UInt8(ascii: "-") else { return nil }
        return UInt16(Substring(part), radix: 16).map { [$0] }
    }
}
