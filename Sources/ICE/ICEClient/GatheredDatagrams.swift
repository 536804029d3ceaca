/// Datagrams to one destination that are to go together, one behind the other in memory that is kept.
struct GatheredDatagrams {
    /// Those in front that go together: all of one size but for the last, which may be shorter.
    struct Run {
        var count: Int
        var byteCount: Int
        var size: Int
    }

    private(set) var bytes: [UInt8] = []
    private var sizes: [Int] = []

    /// What the kernel puts together, and so goes in one system call.
    private static let (mostDatagrams, mostBytes) = (64, 65_000)

    /// The largest datagram that is gathered, in bytes: larger ones gain nothing, and whether they fit at all is to be told at once.
    static let largest = 9000

    var isEmpty: Bool { sizes.isEmpty }
    var count: Int { sizes.count }

    func hasRoom(for byteCount: Int) -> Bool {
        sizes.count < Self.mostDatagrams && bytes.count + byteCount <= Self.mostBytes
    }

    mutating func append(_ datagram: Span<UInt8>) {
        if bytes.capacity == 0 {
            bytes.reserveCapacity(Self.mostBytes)
            sizes.reserveCapacity(Self.mostDatagrams)
        }
        unsafe datagram.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        sizes.append(datagram.count)
    }

    var firstRun: Run? {
        guard let size = sizes.first else { return nil }
        var run = Run(count: 1, byteCount: size, size: size)
        guard size > 0 else { return run }
        var last = size
        for next in sizes.dropFirst() {
            guard last == size, next > 0, next <= size else { break }
            run.count += 1
            run.byteCount += next
            last = next
        }
        return run
    }

    /// Forgets so many datagrams, which have so many bytes together.
    mutating func removeFirst(_ count: Int, _ byteCount: Int) {
        bytes.removeSubrange(..<byteCount)
        sizes.removeSubrange(..<count)
    }
}
