/// The limits of text in attributes (RFC 8489 §14.3, §14.8 to §14.10, §14.14).
///
/// Text of our own is cut to the limits of the RFC when its attribute is made; text that came from the network is kept as it came,
/// so that a REALM or NONCE goes back unchanged even from a server that exceeds them.
enum TextCoding {
    /// "fewer than 128 characters (which can be as long as 509 bytes when encoding them or 763 bytes when decoding them)".
    static let characterLimit = 127

    /// "a UTF-8-encoded sequence of fewer than 509 bytes", for USERNAME.
    static let usernameByteLimit = 508

    private static let decodingByteLimit = 763

    /// The text, or its beginning up to the limit of characters (Unicode scalars, as RFC 3629 counts them).
    static func limited(_ text: String) -> String {
        // Bytes are quicker to count, and never fewer than scalars.
        if text.utf8.count <= characterLimit { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(characterLimit)))
    }

    /// The text, or its beginning up to a number of bytes, cut between scalars.
    static func limited(_ text: String, byteCount limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var length = 0
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            length += UTF8.width(scalar)
            if length > limit { break }
            scalars.append(scalar)
        }
        return String(scalars)
    }

    /// Text that must be right to the byte; nil where it is too long or no UTF-8.
    static func decodeExactly(_ value: Span<UInt8>) -> String? {
        guard value.count <= decodingByteLimit else { return nil }
        return unsafe value.withUnsafeBufferPointer { buffer in
            // ASCII needs no validation, which takes some thousand instructions.
            isASCII(value)
                ? unsafe String(decoding: buffer, as: UTF8.self) : unsafe String(validating: buffer, as: UTF8.self)
        }
    }

    /// What stands behind the first byte of a kind in text that must be right to the byte; nil without one, and where the text is too long
    /// or no UTF-8.
    static func decodeExactly(_ value: Span<UInt8>, behind separator: UInt8) -> String? {
        guard value.count <= decodingByteLimit, isASCII(value) || decodeExactly(value) != nil else { return nil }
        for index in value.indices where value[index] == separator {
            return decodeExactly(value.extracting(index + 1..<value.count))
        }
        return nil
    }

    private static func isASCII(_ value: Span<UInt8>) -> Bool {
        for index in value.indices where value[index] >= 0x80 { return false }
        return true
    }

    /// Text for people: what is no UTF-8 is replaced, and what would steer a terminal left out (coturn ends some reasons with zeros); nil
    /// where it is too long.
    static func decodeLeniently(_ value: Span<UInt8>) -> String? {
        guard value.count <= decodingByteLimit else { return nil }
        let text = unsafe value.withUnsafeBufferPointer { buffer in unsafe String(decoding: buffer, as: UTF8.self) }
        let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.filter { !isControl($0) }))
    }
}
