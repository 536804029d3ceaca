/// Puts the pieces of one direction of a connection back into order.
struct StreamAssembly {
    private var next = 0
    private var early: [Int: StreamSegment] = [:]

    /// Takes a piece and returns those that are now in order, itself perhaps among them.
    mutating func insert(_ segment: StreamSegment) -> [StreamSegment] {
        guard segment.number >= next else { return [] }
        early[segment.number] = segment
        var ready: [StreamSegment] = []
        while let segment = early.removeValue(forKey: next) {
            ready.append(segment)
            next += 1
        }
        return ready
    }
}
