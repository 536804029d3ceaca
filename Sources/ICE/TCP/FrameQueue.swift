import ICECore
import NetBase

/// Frames that wait for room on a connection. STUN messages go ahead of data: on a slow line consent would be lost behind what the
/// application has sent.
///
/// They are given out in pieces that end where a frame does, so that whatever is urgent waits for no more than one of them.
struct FrameQueue {
    private var urgent: [UInt8] = []
    private var pieces: [[UInt8]] = []

    /// How many bytes wait.
    private(set) var byteCount = 0

    /// How many bytes make a piece, but for a frame that is longer than that.
    static let pieceByteCount = 64 << 10

    var isEmpty: Bool { byteCount == 0 }

    /// Queues one frame.
    mutating func append(_ header: [UInt8], _ datagram: Span<UInt8>, isUrgent: Bool) {
        byteCount += header.count + datagram.count
        if isUrgent {
            urgent += header
            Self.append(datagram, to: &urgent)
        } else {
            makePiece(for: header.count + datagram.count)
            pieces[pieces.count - 1] += header
            Self.append(datagram, to: &pieces[pieces.count - 1])
        }
    }

    /// Queues frames of data that lie one behind the other.
    mutating func append(frames: [UInt8]) {
        var start = 0
        while start < frames.count {
            let end = Self.endOfPiece(in: frames, from: start)
            makePiece(for: end - start)
            pieces[pieces.count - 1] += frames[start..<end]
            byteCount += end - start
            start = end
        }
    }

    /// Takes the next piece out; nil where nothing waits.
    mutating func next() -> [UInt8]? {
        guard !isEmpty else { return nil }
        defer { if isEmpty { self = FrameQueue() } }
        guard urgent.isEmpty else {
            defer { urgent = [] }
            byteCount -= urgent.count
            return urgent
        }
        let piece = pieces.removeFirst()
        byteCount -= piece.count
        return piece
    }

    private mutating func makePiece(for count: Int) {
        if let last = pieces.last, last.count + count <= Self.pieceByteCount { return }
        pieces.append([])
    }

    /// Where the last frame ends of those that make a piece.
    private static func endOfPiece(in frames: [UInt8], from start: Int) -> Int {
        var end = start
        repeat {
            let length = Int(frames[end]) << 8 | Int(frames[end + 1])
            let next = end + FrameEncoder.headerByteCount + length
            if end > start, next - start > pieceByteCount { break }
            end = next
        } while end < frames.count
        return end
    }

    private static func append(_ datagram: Span<UInt8>, to bytes: inout [UInt8]) {
        unsafe datagram.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }
}
