/// The class, number and reason that ERROR-CODE and ADDRESS-ERROR-CODE share (RFC 8489 §14.8, RFC 8656 §18.12).
enum ErrorCoding {
    static func limited(_ code: Int) -> Int { min(max(code, 300), 699) }

    /// "The value MUST be between 3 and 6", of the class; "its value MUST be between 0 and 99", of the number.
    static func decode(_ value: Span<UInt8>) -> (code: Int, reason: String)? {
        guard value.count >= 4 else { return nil }
        let (hundreds, number) = (Int(value[2] & 0x07), Int(value[3]))
        guard 3...6 ~= hundreds, 0...99 ~= number,
            let reason = TextCoding.decodeLeniently(value.extracting(4..<value.count))
        else { return nil }
        return (hundreds * 100 + number, reason)
    }

    static func encode(_ code: Int, _ reason: String, firstByte: UInt8, into bytes: inout [UInt8]) {
        bytes.append(firstByte)
        bytes.append(0)
        bytes.append(UInt8(code / 100))
        bytes.append(UInt8(code % 100))
        bytes.append(contentsOf: reason.utf8)
    }
}
