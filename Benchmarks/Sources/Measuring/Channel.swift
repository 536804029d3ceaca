import CMeasuring

/// Lines to and from the other process of a call, over a socket that the runner made for both. It blocks: nothing runs meanwhile.
public final class Channel {
    private let descriptor: Int32
    private var unread: [UInt8] = []

    /// A channel over an open descriptor.
    public init(descriptor: Int) { self.descriptor = Int32(descriptor) }

    /// Sends lines.
    public func write(_ lines: [String]) {
        let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
        guard measuring_write(descriptor, bytes, bytes.count) else { fatalError("the other process is gone") }
    }

    /// Waits for so many lines.
    public func read(_ count: Int) -> [String] {
        var lines: [String] = []
        lines.reserveCapacity(count)
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            var start = unread.startIndex
            while lines.count < count, let end = unread[start...].firstIndex(of: UInt8(ascii: "\n")) {
                lines.append(String(decoding: unread[start..<end], as: UTF8.self))
                start = end + 1
            }
            unread.removeSubrange(..<start)
            guard lines.count < count else { return lines }
            let received = measuring_read(descriptor, &buffer, buffer.count)
            guard received > 0 else { fatalError("the other process is gone") }
            unread += buffer[..<received]
        }
    }
}
