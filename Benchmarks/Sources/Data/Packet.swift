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

    /// Numbers packets of a size that lie one behind the other.
    static func setNumbers(from first: UInt64, in bytes: inout [UInt8], count: Int = 1, size: Int = 0) {
        bytes.withUnsafeMutableBytes { bytes in
            for index in 0..<count {
                bytes.storeBytes(
                    of: first + UInt64(index), toByteOffset: index * size + numberOffset, as: UInt64.self)
            }
        }
    }

    static func number(of bytes: Span<UInt8>) -> UInt64 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: numberOffset, as: UInt64.self) }
    }
}
