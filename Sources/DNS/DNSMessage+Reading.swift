import CResolver

extension DNSMessage {
    /// Reads a message, which may come from anybody.
    ///
    /// - Throws: ``DNSError/tooLong``, ``DNSError/malformed``.
    package init(parsing bytes: Span<UInt8>) throws(DNSError) {
        guard bytes.count <= Self.maximumLength else { throw .tooLong }
        guard bytes.count >= Self.headerLength else { throw .malformed }
        self.init()
        id = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        flags = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        // The library keeps pointers into the bytes, which are lent for as long as it does.
        let sections = unsafe bytes.withUnsafeBufferPointer { buffer in unsafe RawRecord.all(of: buffer) }
        guard let sections else { throw .malformed }
        questions = sections[0].map(\.question)
        answers = sections[1].map(\.record)
        authorities = sections[2].map(\.record)
        additionals = sections[3].map(\.record)
    }
}

/// A record as the library gives it; a question is one without data.
private struct RawRecord {
    let name: String
    let type: DNSRecordType
    let recordClass: UInt16
    let timeToLive: UInt32
    let data: [UInt8]

    /// The records of the four sections; nil where the bytes are no message.
    static func all(of buffer: UnsafeBufferPointer<UInt8>) -> [[RawRecord]]? {
        var message = unsafe shim_dns_message()
        guard unsafe shim_dns_begin(&message, buffer.baseAddress, Int32(buffer.count)) == 0 else { return nil }
        var name = [CChar](repeating: 0, count: Int(shim_dns_name_capacity))
        var sections: [[RawRecord]] = []
        for section in 0..<Int32(4) {
            var records: [RawRecord] = []
            let count = unsafe shim_dns_count(&message, section)
            for index in 0..<count {
                guard let record = unsafe RawRecord(index, of: section, in: &message, &name) else { return nil }
                records.append(record)
            }
            sections.append(records)
        }
        return sections
    }

    private init?(_ index: Int32, of section: Int32, in message: inout shim_dns_message, _ text: inout [CChar]) {
        var (number, recordClass, seconds, count): (UInt16, UInt16, UInt32, UInt16) = (0, 0, 0, 0)
        var start: UnsafePointer<UInt8>?
        let status = unsafe shim_dns_record(
            &message, section, index, &text, &number, &recordClass, &seconds, &start, &count)
        guard status == 0 else { return nil }
        let length = text.firstIndex(of: 0) ?? text.count
        name = String(decoding: text[..<length].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        type = DNSRecordType(rawValue: number)
        self.recordClass = recordClass
        timeToLive = seconds
        data = unsafe [UInt8](UnsafeBufferPointer(start: start, count: start == nil ? 0 : Int(count)))
    }

    private var plainClass: UInt16 { recordClass & ~DNSMessage.classFlag }
    private var hasFlag: Bool { recordClass & DNSMessage.classFlag != 0 }

    var question: DNSQuestion {
        var question = DNSQuestion(name, type, wantsUnicast: hasFlag)
        question.isInternet = plainClass == DNSMessage.internetClass || plainClass == DNSMessage.anyClass
        return question
    }

    var record: DNSRecord {
        var record = DNSRecord(name, type, isUnique: hasFlag, timeToLive: timeToLive, data: data)
        record.isInternet = plainClass == DNSMessage.internetClass
        return record
    }
}
