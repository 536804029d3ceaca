import NetBase

extension STUNMessage {
    /// How the long-term key is to be derived (RFC 8489 §14.12).
    ///
    ///      0                   1                   2                   3
    ///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |           Algorithm           |  Algorithm Parameters Length  |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    ///     |                Algorithm Parameters (variable)                |
    ///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
    public struct PasswordAlgorithm: STUNAttribute, Hashable, Sendable {
        /// PASSWORD-ALGORITHM.
        public static let type: UInt16 = 0x001d

        /// The algorithm.
        public let algorithm: STUNPasswordAlgorithm

        /// Its parameters, without padding; MD5 and SHA-256 have none.
        public let parameters: [UInt8]

        /// An algorithm and its parameters.
        public init(_ algorithm: STUNPasswordAlgorithm, parameters: [UInt8] = []) {
            self.algorithm = algorithm
            self.parameters = parameters
        }

        /// Reads the value; throws where it is not exactly one algorithm.
        public init(decoding value: Span<UInt8>, transactionID: STUNTransactionID) throws(STUNError) {
            var offset = 0
            self = try Self(next: value, &offset, in: Self.self)
            guard offset == value.count else { throw .malformed(Self.self) }
        }

        /// Reads the algorithm at an offset and moves that behind it, for either attribute.
        init(next value: Span<UInt8>, _ offset: inout Int, in attribute: (some STUNAttribute).Type) throws(STUNError) {
            guard value.count - offset >= 4 else { throw .malformed(attribute) }
            let length = Int(value.uint16(at: offset + 2))
            let start = offset + 4
            // The padding of the last one is the attribute's own where a sender left it out of the length.
            guard value.count - start >= length else { throw .malformed(attribute) }
            algorithm = STUNPasswordAlgorithm(rawValue: value.uint16(at: offset))
            parameters = [UInt8](copying: value.extracting(start..<start + length))
            offset = min(start + length.paddedToWord, value.count)
        }

        /// Appends the value.
        public func encode(into bytes: inout [UInt8], transactionID: STUNTransactionID) {
            bytes.append(bigEndian: algorithm.rawValue)
            bytes.append(bigEndian: UInt16(clamping: parameters.count))
            bytes += parameters
            for _ in parameters.count..<parameters.count.paddedToWord { bytes.append(0) }
        }
    }
}

/// How a long-term key is derived from a password (RFC 8489 §18.5).
public struct STUNPasswordAlgorithm: RawRepresentable, Hashable, Sendable {
    /// The algorithm's number.
    public let rawValue: UInt16

    /// An algorithm by its number.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// MD5, as RFC 5389 has it.
    public static let md5 = STUNPasswordAlgorithm(rawValue: 1)
    /// SHA-256.
    public static let sha256 = STUNPasswordAlgorithm(rawValue: 2)
}
