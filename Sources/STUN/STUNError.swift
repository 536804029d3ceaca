/// Why bytes are not a STUN message, or an attribute is not what its type says.
public struct STUNError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of fault that callers tell apart; new ones may be added.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        /// The code's name, such as `truncated`.
        public let description: String
        private init(_ name: String) { description = name }

        /// The first two bits are not 0, or the magic cookie is missing: the bytes belong to another protocol.
        public static let notSTUN = Code("notSTUN")
        /// The header is cut off, or its length is no multiple of 4 or not that of the bytes.
        public static let badLength = Code("badLength")
        /// An attribute reaches beyond the end of the message.
        public static let truncated = Code("truncated")
        /// The value of an attribute does not have the form that its type asks for.
        public static let malformedAttribute = Code("malformedAttribute")
        /// The message is longer than the receiver is ready to hold.
        public static let tooLong = Code("tooLong")
    }

    /// The kind of fault.
    public let code: Code

    /// The type of the attribute at fault, where there is one.
    public let attributeType: UInt16?

    /// A fault of a kind, in an attribute of a type or in the message as a whole.
    public init(_ code: Code, attributeType: UInt16? = nil) {
        self.code = code
        self.attributeType = attributeType
    }

    static func malformed(_ attribute: (some STUNAttribute).Type) -> STUNError {
        STUNError(.malformedAttribute, attributeType: attribute.type)
    }

    /// `malformedAttribute (0x0020)`.
    public var description: String {
        attributeType.map { "\(code) (\(hexadecimal($0)))" } ?? "\(code)"
    }
}

/// A 16-bit number as the RFCs print it, such as `0x8028`.
func hexadecimal(_ number: UInt16) -> String {
    let digits = String(number, radix: 16)
    return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
}
