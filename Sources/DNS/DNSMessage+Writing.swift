import CResolver

extension DNSMessage {
    /// The message on the wire, its names uncompressed.
    ///
    /// - Throws: ``DNSError/badName``, ``DNSError/tooLong``.
    package func bytes() throws(DNSError) -> [UInt8] {
        var bytes: [UInt8] = []
        for number in [id, flags]
            + [questions.count, answers.count, authorities.count, additionals.count].map(UInt16.init)
        {
            bytes.append(number)
        }
        for question in questions {
            try bytes.append(name: question.name)
            bytes.append(question.type.rawValue)
            bytes.append(Self.internetClass | (question.wantsUnicast ? Self.classFlag : 0))
        }
        for record in answers + authorities + additionals {
            try bytes.append(name: record.name)
            bytes.append(record.type.rawValue)
            bytes.append(Self.internetClass | (record.isUnique ? Self.classFlag : 0))
            bytes.append(UInt16(record.timeToLive >> 16))
            bytes.append(UInt16(truncatingIfNeeded: record.timeToLive))
            bytes.append(UInt16(clamping: record.data.count))
            bytes += record.data
        }
        guard bytes.count <= Self.maximumLength else { throw .tooLong }
        return bytes
    }

    /// A name as the labels of the wire; nil if it can't be written.
    static func labels(of name: String) -> [UInt8]? {
        // RFC 1035 §3.1: "the total length of a domain name […] is restricted to 255 octets or less".
        var labels = [UInt8](repeating: 0, count: 255)
        guard !name.utf8.contains(0) else { return nil }
        let count = unsafe name.withCString { text in
            unsafe labels.withUnsafeMutableBufferPointer { buffer in
                unsafe shim_dns_write_name(text, buffer.baseAddress, Int32(buffer.count))
            }
        }
        guard count > 0 else { return nil }
        return Array(labels[..<Int(count)])
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ number: UInt16) {
        append(UInt8(number >> 8))
        append(UInt8(truncatingIfNeeded: number))
    }

    fileprivate mutating func append(name: String) throws(DNSError) {
        guard let labels = DNSMessage.labels(of: name) else { throw .badName }
        self += labels
    }
}
