/// The application's datagrams, the same as those of Baselines/packets.h: eight bytes that tell what it is, and eight of a number.
enum Packet {
    static let data = UInt8(ascii: "x")
    static let receipt = UInt8(ascii: "r")
    static let end = UInt8(ascii: "z")

    static let headerLength = 16
    private static let numberOffset = 8

    static func make(_ kind: UInt8, size: Int = headerLength) -> [UInt8] {
        [UInt8](repeating: kind, count: max(size, headerLength))
    }

    /// Numbers the packet that begins at an offset.
    static func setNumber(_ number: UInt64, in bytes: inout [UInt8], at offset: Int = 0) {
        bytes.withUnsafeMutableBytes { bytes in
            bytes.storeBytes(of: number, toByteOffset: offset + numberOffset, as: UInt64.self)
        }
    }

    static func number(of bytes: Span<UInt8>) -> UInt64 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: numberOffset, as: UInt64.self) }
    }
}
