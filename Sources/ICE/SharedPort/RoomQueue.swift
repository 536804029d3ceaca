/// The clients that wait for room in a socket's buffer.
struct RoomQueue {
    private var waiting: [PortView] = []

    var isEmpty: Bool { waiting.isEmpty }

    /// Who has sent nothing since there was room last comes before those who have.
    mutating func add(_ view: PortView) {
        guard !waiting.contains(where: { $0 === view }) else { return }
        let index = view.hasHadRoom ? nil : waiting.firstIndex(where: \.hasHadRoom)
        waiting.insert(view, at: index ?? waiting.endIndex)
    }

    mutating func forget(_ view: PortView) { waiting.removeAll { $0 === view } }

    /// All that wait, who do so no longer.
    mutating func takeAll() -> [PortView] {
        defer { waiting = [] }
        return waiting
    }

    /// Those who have had no turn come before those that wait again.
    mutating func putFirst(_ views: some Sequence<PortView>) {
        waiting = views + waiting.filter { view in !views.contains { $0 === view } }
    }
}
