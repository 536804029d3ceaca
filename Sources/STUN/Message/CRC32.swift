/// The CRC-32 of ITU V.42, eight bytes at a time ("slicing by 8").
enum CRC32 {
    /// Table k holds the remainders of a byte that is followed by k zero bytes; one after the other, 256 each.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
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
        let table = tables.span
        var crc = UInt32.max
        var index = 0
        while bytes.count - index >= 8 {
            let low = crc ^ bytes.uint32(at: index).byteSwapped
            let high = bytes.uint32(at: index + 4).byteSwapped
            let front =
                table[1792 + Int(low & 0xff)] ^ table[1536 + Int(low >> 8 & 0xff)]
                ^ table[1280 + Int(low >> 16 & 0xff)] ^ table[1024 + Int(low >> 24)]
            let back =
                table[768 + Int(high & 0xff)] ^ table[512 + Int(high >> 8 & 0xff)]
                ^ table[256 + Int(high >> 16 & 0xff)] ^ table[Int(high >> 24)]
            crc = front ^ back
            index += 8
        }
        while index < bytes.count {
            crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[index])]
            index += 1
        }
        return ~crc
    }
}
