import DequeModule
import NetBase

/// The candidate pairs of one stream, best first, and the queue of its triggered checks (RFC 8445 §6.1.2, §6.1.4.1).
package struct Checklist {
    package let stream: StreamID
    package private(set) var pairs: [CheckPair] = []
    private var triggered: Deque<PairID> = []
    private var nextSerial = 0
    private let generation: Int
    /// Whether changes are noted until they are taken.
    var recordsChanges = false
    private var changes: [PairChange] = []

    init(stream: StreamID, generation: Int) {
        self.stream = stream
        self.generation = generation
    }

    subscript(id: PairID) -> CheckPair? { index(of: id).map { pairs[$0] } }

    private func index(of id: PairID) -> Int? {
        for index in pairs.indices where pairs[index].id == id { return index }
        return nil
    }

    func read<Result>(_ id: PairID, _ body: (borrowing CheckPair) -> Result) -> Result? {
        guard let index = index(of: id) else { return nil }
        return body(pairs.span[index])
    }

    func contains(where matches: (borrowing CheckPair) -> Bool) -> Bool {
        let pairs = pairs.span
        for index in pairs.indices where matches(pairs[index]) { return true }
        return false
    }

    /// The pair that sends from a socket to an address; there is never more than one.
    func pair(from socket: SocketID, to address: TransportAddress) -> CheckPair? {
        pairID(from: socket, to: address).flatMap { self[$0] }
    }

    func pairID(from socket: SocketID, to address: TransportAddress) -> PairID? {
        let pairs = pairs.span
        for index in pairs.indices where pairs[index].socket == socket && pairs[index].remote.address == address {
            return pairs[index].id
        }
        return nil
    }

    func pairs(of path: StreamComponent) -> some Sequence<CheckPair> {
        pairs.lazy.filter { $0.path == path }
    }

    /// The best of the pairs in a state.
    func first(in state: CheckPair.State) -> PairID? {
        for index in pairs.indices where pairs[index].state == state { return pairs[index].id }
        return nil
    }

    /// How many pairs of a component are in a state.
    func count(of path: StreamComponent, in state: CheckPair.State) -> Int {
        var count = 0
        for index in pairs.indices where pairs[index].state == state && pairs[index].path == path { count += 1 }
        return count
    }

    /// The last of the pairs that nobody has begun to check.
    var worstUnbegun: CheckPair? { pairs.last { $0.state == .waiting || $0.state == .frozen } }

    // MARK: Coming and going

    /// Inserts a pair by its priority, behind those with the same one.
    @discardableResult
    mutating func insert(local: LocalCandidate, remote: Candidate, role: Role, state: CheckPair.State) -> PairID {
        let id = PairID(stream: stream, serial: nextSerial, generation: generation)
        nextSerial += 1
        let pair = CheckPair(id: id, local: local, remote: remote, role: role, state: state)
        let index = pairs.firstIndex { $0.priority < pair.priority } ?? pairs.endIndex
        pairs.insert(pair, at: index)
        if recordsChanges { changes.append(.formed(pair)) }
        return id
    }

    mutating func remove(where shouldGo: (CheckPair) -> Bool) {
        if recordsChanges { changes += pairs.filter(shouldGo).map { .removed($0) } }
        pairs.removeAll(where: shouldGo)
        let left = Set(pairs.map(\.id))
        triggered.removeAll { !left.contains($0) }
    }

    // MARK: Triggered checks

    /// RFC 8445 §7.3.1.4: puts the pair into Waiting and, once, into the queue.
    mutating func trigger(_ id: PairID) {
        if !triggered.contains(id) { triggered.append(id) }
        update(id) { $0.trigger() }
    }

    /// The pair whose triggered check is due first, if any.
    var firstTriggered: PairID? { triggered.first }

    /// Takes a pair out of the queue.
    mutating func dequeue(_ id: PairID) {
        if !triggered.isEmpty { triggered.removeAll { $0 == id } }
    }

    // MARK: Changes

    mutating func update(_ id: PairID, _ change: (inout CheckPair) -> Void) {
        guard let index = index(of: id) else { return }
        apply(change, at: index)
    }

    mutating func update(
        from socket: SocketID, to address: TransportAddress, _ change: (inout CheckPair) -> Void
    ) {
        let index = pairs.indices.first { pairs[$0].socket == socket && pairs[$0].remote.address == address }
        if let index { apply(change, at: index) }
    }

    mutating func updateAll(where matches: (CheckPair) -> Bool, _ change: (inout CheckPair) -> Void) {
        for index in pairs.indices where matches(pairs[index]) { apply(change, at: index) }
    }

    private mutating func apply(_ change: (inout CheckPair) -> Void, at index: Int) {
        let before = pairs[index].state
        change(&pairs[index])
        guard recordsChanges, pairs[index].state != before else { return }
        let pair = pairs[index]
        changes.append(.moved(pair, from: before, isTriggered: triggered.contains(pair.id)))
    }

    mutating func takeChanges() -> [PairChange] {
        defer { changes = [] }
        return changes
    }

    mutating func changeRole(to role: Role) {
        updateAll(where: { _ in true }) { $0.changeRole(to: role) }
        pairs = pairs.enumerated().sorted { ($1.element.priority, $0.offset) < ($0.element.priority, $1.offset) }
            .map(\.element)
    }
}
