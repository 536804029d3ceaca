/// The clients that wait for room in a socket's buffer: those who have sent nothing since there was room last, then those who have.
struct RoomQueue {
    private var hungry: [PortView] = []
    private var served: [PortView] = []

    var isEmpty: Bool { hungry.isEmpty && served.isEmpty }

    mutating func add(_ view: PortView) {
        guard !view.isWaitingForRoom else { return }
        view.isWaitingForRoom = true
        if view.hasHadRoom { served.append(view) } else { hungry.append(view) }
    }

    mutating func forget(_ view: PortView) {
        guard view.isWaitingForRoom else { return }
        view.isWaitingForRoom = false
        hungry.removeAll { $0 === view }
        served.removeAll { $0 === view }
    }

    /// All that wait, who do so no longer.
    mutating func takeAll() -> [PortView] {
        let all = hungry + served
        for view in all { view.isWaitingForRoom = false }
        (hungry, served) = ([], [])
        return all
    }

    /// Those who have had no turn come before those that wait again.
    mutating func putFirst(_ views: some Sequence<PortView>) {
        let waiting = views.filter { !$0.isWaitingForRoom }
        for view in waiting { view.isWaitingForRoom = true }
        hungry = waiting + hungry
    }
}
