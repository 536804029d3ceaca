import NetBase

/// Puts datagrams into the frames of RFC 4571 §2: a length of 16 bits, then the datagram.
///
/// It keeps its buffers, so that framing allocates nothing once they have grown.
package struct FrameEncoder {
    /// The size of the length in front of each datagram.
    package static let headerByteCount = 2

    /// What a length of 16 bits can tell.
    package static let longestDatagram = 65_535

    /// The frames that were gathered, one behind the other.
    package private(set) var frames: [UInt8] = []

    private var length: [UInt8] = [0, 0]

    /// Room for gathered frames that is kept, in bytes.
    private static let keptRoom = 1 << 17

    /// An encoder without a frame.
    package init() {}

    /// What goes in front of a datagram of so many bytes, 1 to ``longestDatagram``.
    package mutating func header(for count: Int) -> [UInt8] {
        precondition(1...Self.longestDatagram ~= count, "a frame of RFC 4571 can't tell a length of \(count)")
        length[0] = UInt8(count >> 8)
        length[1] = UInt8(truncatingIfNeeded: count)
        return length
    }

    /// Gathers one more frame, for a datagram of ``longestDatagram`` bytes at most; an empty one, a null packet, is left out.
    package mutating func append(_ datagram: Span<UInt8>) {
        guard !datagram.isEmpty else { return }
        frames += header(for: datagram.count)
        unsafe datagram.withUnsafeBufferPointer { unsafe frames.append(contentsOf: $0) }
    }

    /// Lets go of the frames that were gathered, and keeps their room.
    package mutating func removeAll() {
        frames.removeAll(keepingCapacity: frames.capacity <= Self.keptRoom)
    }
}
