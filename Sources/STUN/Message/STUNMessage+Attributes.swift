extension STUNMessage {
    /// Appends an attribute and corrects the header's length.
    ///
    /// Returns false, and changes nothing, if the message would outgrow the 65,552 bytes that its length field can tell. What is
    /// appended behind the integrity attributes or the fingerprint is not seen by receivers.
    @discardableResult
    public mutating func append<Attribute: STUNAttribute>(_ attribute: Attribute) -> Bool {
        let transactionID = transactionID
        return append(type: Attribute.type) { bytes in attribute.encode(into: &bytes, transactionID: transactionID) }
    }

    /// Appends an attribute of any type, with the value as it is; otherwise like ``append(_:)``.
    @discardableResult
    public mutating func append(type: UInt16, value: [UInt8]) -> Bool {
        append(type: type) { bytes in bytes += value }
    }

    /// Appends an attribute of any type, with the value from where it lies; otherwise like ``append(_:)``.
    @discardableResult
    package mutating func append(type: UInt16, copying value: Span<UInt8>) -> Bool {
        unsafe value.withUnsafeBufferPointer { buffer in
            append(type: type) { bytes in unsafe bytes.append(contentsOf: buffer) }
        }
    }

    /// Appends an attribute of zeros, whose value is computed over the message with it.
    mutating func appendBlank(type: UInt16, count: Int) -> Bool {
        append(type: type) { bytes in bytes.append(contentsOf: repeatElement(0, count: count)) }
    }

    private mutating func append(type: UInt16, value write: (inout [UInt8]) -> Void) -> Bool {
        let start = bytes.count
        // The length follows once it is known.
        bytes.append(bigEndian: UInt32(type) << 16)
        write(&bytes)
        let length = bytes.count - start - AttributeCursor.headerLength
        for _ in length..<length.paddedToWord { bytes.append(0) }
        guard length <= Int(UInt16.max), bytes.count <= STUNWire.maximumLength else {
            bytes.removeSubrange(start...)
            return false
        }
        bytes.overwrite(UInt16(length), at: start + 2)
        correctLength()
        return true
    }

    private mutating func correctLength() {
        bytes.overwrite(UInt16(bytes.count - STUNWire.headerLength), at: 2)
    }

    /// Takes every attribute of a type out, wherever it stands.
    public mutating func remove(type: UInt16) {
        for attribute in attributes.reversed() where attribute.type == type {
            bytes.removeSubrange(attribute.start..<attribute.paddedEnd)
        }
        correctLength()
    }

    /// Where each attribute lies, in the order of the bytes, unknown ones and repetitions included.
    public var attributes: [STUNAttributeLocation] {
        var cursor = AttributeCursor()
        var result: [STUNAttributeLocation] = []
        while let attribute = cursor.next(in: bytes.span) { result.append(attribute) }
        return result
    }

    /// The first attribute of its kind, nil where it is absent or malformed.
    ///
    /// What follows the integrity attributes does not count (RFC 8489 §9).
    public subscript<Attribute: STUNAttribute>(_ attribute: Attribute.Type) -> Attribute? {
        try? decode(attribute)
    }

    /// The first attribute of its kind, nil where it is absent; throws where it is malformed.
    public func decode<Attribute: STUNAttribute>(_ attribute: Attribute.Type) throws(STUNError) -> Attribute? {
        let span = bytes.span
        guard let location = STUNWire.find(Attribute.type, in: span) else { return nil }
        return try Attribute(decoding: span.extracting(location.value), transactionID: transactionID)
    }

    /// Whether there is an attribute of the type that counts.
    public func contains(type: UInt16) -> Bool { STUNWire.find(type, in: bytes.span) != nil }

    /// The indices of the value of the first attribute of the type that counts, to read it in place.
    public func valueRange(ofType type: UInt16) -> Range<Int>? { STUNWire.find(type, in: bytes.span)?.value }

    /// The types below 0x8000 that are not in the set, each once, in the order of the message (RFC 8489 §6.3.1).
    public func unknownRequiredAttributes(known: STUNAttributeSet) -> [UInt16] {
        STUNWire.unknownRequiredAttributes(in: bytes.span, known: known)
    }
}
