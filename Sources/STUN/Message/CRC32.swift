/// The CRC-32 of ITU V.42, sixteen bytes at a time ("slicing by 16").
enum CRC32 {
    private static let slices = 16

    /// Table k holds the remainders of a byte that is followed by k zero bytes; one after the other, 256 each.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: slices * 256)
        for byte in 0..<256 {
            // The polynomial 0x04C11DB7 with its bits reversed (RFC 1952 §8).
            tables[byte] = (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xedb8_8320 }
        }
        for index in 256..<tables.count {
            let previous = tables[index - 256]
            tables[index] = previous >> 8 ^ tables[Int(previous & 0xff)]
        }
        return tables
    }()

    static func checksum(of bytes: Span<UInt8>) -> UInt32 {
        let tables = tables.span
        // Said once, it need not be looked at for each number.
        precondition(tables.count == slices * 256)
        var crc = UInt32.max
        var index = 0
        while bytes.count - index >= slices {
            // Only the last of the four has to wait for what came before.
            let fourth = remainder(of: bytes.uint32(at: index + 12), before: 0, tables)
            let third = remainder(of: bytes.uint32(at: index + 8), before: 4, tables)
            let second = remainder(of: bytes.uint32(at: index + 4), before: 8, tables)
            let first = remainder(of: bytes.uint32(at: index) ^ crc.byteSwapped, before: 12, tables)
            crc = fourth ^ third ^ second ^ first
            index += slices
        }
        while bytes.count - index >= 4 {
            crc = remainder(of: bytes.uint32(at: index) ^ crc.byteSwapped, before: 0, tables)
            index += 4
        }
        while index < bytes.count {
            crc = crc >> 8 ^ tables[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[index])]
            index += 1
        }
        return ~crc
    }

    /// The remainder of four bytes that others follow.
    @inline(__always)
    private static func remainder(of word: UInt32, before count: Int, _ tables: Span<UInt32>) -> UInt32 {
        tables[(count + 3) << 8 + Int(word >> 24)] ^ tables[(count + 2) << 8 + Int(word >> 16 & 0xff)]
            ^ tables[(count + 1) << 8 + Int(word >> 8 & 0xff)] ^ tables[count << 8 + Int(word & 0xff)]
    }
}
