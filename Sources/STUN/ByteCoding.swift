extension Span<UInt8> {
    /// The big-endian number at an offset, which must lie in the span: like a subscript, it traps beyond.
    func uint16(at offset: Int) -> UInt16 {
        UInt16(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    func uint32(at offset: Int) -> UInt32 {
        UInt32(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    func uint64(at offset: Int) -> UInt64 {
        UInt64(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}

extension [UInt8] {
    /// Appends a number, the most significant byte first.
    mutating func append(bigEndian number: some FixedWidthInteger & UnsignedInteger) {
        unsafe Swift.withUnsafeBytes(of: number.bigEndian) { bytes in unsafe append(contentsOf: bytes) }
    }

    mutating func overwrite(_ number: UInt16, at offset: Int) {
        self[offset] = UInt8(number >> 8)
        self[offset + 1] = UInt8(truncatingIfNeeded: number)
    }

    mutating func append(copying bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { buffer in unsafe append(contentsOf: buffer) }
    }
}

extension MutableSpan<UInt8> {
    /// Writes a number at an offset, the most significant byte first; like a subscript, it traps beyond the end.
    mutating func store(_ number: some FixedWidthInteger & UnsignedInteger & BitwiseCopyable, at offset: Int) {
        var bytes = unsafe mutableBytes
        bytes.storeBytes(of: number.bigEndian, toByteOffset: offset, as: type(of: number))
    }
}

extension Int {
    /// The next multiple of 4: attributes start on 32-bit boundaries (RFC 8489 §14).
    var paddedToWord: Int { (self + 3) & ~3 }
}
