import NetBase

/// The checklists of all streams of a session: who is checked next, and what thaws what (RFC 8445 §6.1.2.6, §6.1.4.2).
package struct ChecklistSet {
    package private(set) var lists: [Checklist] = []
    private var cursor = 0
    private let generation: Int
    /// Whether changes to pairs are noted until they are taken.
    var recordsChanges = false {
        didSet { for index in lists.indices { lists[index].recordsChanges = recordsChanges } }
    }

    package init(generation: Int = 0) { self.generation = generation }

    package var pairs: some Sequence<CheckPair> { lists.lazy.flatMap(\.pairs) }

    /// Hands out each pair in a state where it stands, best first within its list.
    func forEach(in state: CheckPair.State, _ body: (CheckPair) -> Void) {
        for list in lists.indices {
            for index in lists[list].pairs.indices where lists[list].pairs[index].state == state {
                body(lists[list].pairs[index])
            }
        }
    }

    package var pairCount: Int { lists.reduce(0) { $0 + $1.pairs.count } }

    /// Whether there is a pair such as this, over all lists; no pair is copied for it.
    func contains(where matches: (borrowing CheckPair) -> Bool) -> Bool {
        for list in lists.indices where lists[list].contains(where: matches) { return true }
        return false
    }

    /// What is read of a pair where it stands.
    func read<Result>(_ id: PairID, _ body: (borrowing CheckPair) -> Result) -> Result? {
        for list in lists.indices where lists[list].stream == id.stream { return lists[list].read(id, body) }
        return nil
    }

    /// The pair of a stream that sends from a socket to an address.
    func pairID(in stream: StreamID, from socket: SocketID, to address: TransportAddress) -> PairID? {
        for list in lists.indices where lists[list].stream == stream {
            return lists[list].pairID(from: socket, to: address)
        }
        return nil
    }

    /// How many pairs of a component are in a state.
    func count(of path: StreamComponent, in state: CheckPair.State) -> Int {
        var count = 0
        for list in lists.indices where lists[list].stream == path.stream {
            count += lists[list].count(of: path, in: state)
        }
        return count
    }

    package subscript(id: PairID) -> CheckPair? {
        for index in lists.indices where lists[index].stream == id.stream { return lists[index][id] }
        return nil
    }

    /// Whether more than one pair of a component is in a state.
    func hasOthers(that state: CheckPair.State, of path: StreamComponent) -> Bool {
        count(of: path, in: state) > 1
    }

    package subscript(stream: StreamID) -> Checklist? {
        lists.first { $0.stream == stream }
    }

    mutating func addList(for stream: StreamID) {
        guard self[stream] == nil else { return }
        var list = Checklist(stream: stream, generation: generation)
        list.recordsChanges = recordsChanges
        lists.append(list)
    }

    mutating func removeList(of stream: StreamID) {
        lists.removeAll { $0.stream == stream }
        if cursor >= lists.count { cursor = 0 }
    }

    @discardableResult
    mutating func withList<Result>(_ stream: StreamID, _ change: (inout Checklist) -> Result) -> Result? {
        guard let index = lists.firstIndex(where: { $0.stream == stream }) else { return nil }
        return change(&lists[index])
    }

    mutating func update(_ id: PairID, _ change: (inout CheckPair) -> Void) {
        withList(id.stream) { $0.update(id, change) }
    }

    mutating func changeRole(to role: Role) {
        for index in lists.indices { lists[index].changeRole(to: role) }
    }

    /// What happened to the pairs since the last time, in order within each list.
    mutating func takeChanges() -> [PairChange] {
        var changes: [PairChange] = []
        for index in lists.indices { changes += lists[index].takeChanges() }
        return changes
    }

    // MARK: Inserting

    /// Inserts a pair in the state RFC 8838 §12 gives it: Waiting if it is the topmost of its foundation or another of the foundation
    /// has succeeded, else Frozen.
    mutating func insert(local: LocalCandidate, remote: Candidate, role: Role) -> PairID? {
        let path = local.candidate.path
        let foundation = PairFoundation(local: local.candidate.foundation, remote: remote.foundation)
        let priority = CandidatePair.priority(local: local.candidate.priority, remote: remote.priority, role: role)
        var isTopmost = true
        var hasSucceeded = false
        for other in pairs {
            if other.state == .succeeded, Self.shows(other, foundation, remote) { hasSucceeded = true }
            guard other.foundation == foundation else { continue }
            let isBefore = other.path < path || (other.path == path && other.priority >= priority)
            if isBefore { isTopmost = false }
        }
        return withList(path.stream) {
            $0.insert(local: local, remote: remote, role: role, state: isTopmost || hasSucceeded ? .waiting : .frozen)
        }
    }

    /// RFC 8445 §7.2.5.3.3: a success thaws the pairs of its foundation in every checklist.
    mutating func thaw(_ foundation: PairFoundation) {
        for index in lists.indices {
            lists[index].updateAll(where: { $0.foundation == foundation }) { $0.thaw() }
        }
    }

    /// What the success of a pair with a learned candidate says of others, whose ports may be waiting for our packets to let theirs in.
    mutating func thaw(like pair: CheckPair) {
        guard pair.remote.kind == .peerReflexive else { return }
        for index in lists.indices {
            lists[index].updateAll(where: { Self.shows(pair, $0.foundation, $0.remote) }) { $0.thaw() }
        }
    }

    /// Whether a pair that works speaks for those of a foundation. A learned candidate has a foundation that no other pair shares (RFC 8445
    /// §7.3.1.3): it shows, all the same, that this base reaches the machine.
    private static func shows(_ pair: CheckPair, _ foundation: PairFoundation, _ remote: Candidate) -> Bool {
        if pair.foundation == foundation { return true }
        return pair.remote.kind == .peerReflexive && pair.foundation.local == foundation.local
            && pair.remote.address.ip == remote.address.ip
    }

    /// Makes room under a limit for a pair of a stream: failed pairs go first, then the lowest priorities that nobody has begun to check
    /// (RFC 8838 §10), out of the longest list as long as that is the longer one by two, so that all lists come to the same length
    /// (RFC 8445 §6.1.2.5).
    ///
    /// - Returns: Whether a pair of this priority may be added now.
    mutating func makeRoom(for priority: UInt64, in stream: StreamID, limit: Int) -> Bool {
        guard pairCount >= limit else { return true }
        // A pair that has lost consent stays, so that nobody makes it anew.
        let failed = pairs.filter { $0.state == .failed && !$0.hasLostConsent }
        guard let victim = failed.min(by: { $0.priority < $1.priority }) ?? expendable(for: priority, in: stream) else {
            return false
        }
        withList(victim.id.stream) { $0.remove { $0.id == victim.id } }
        return true
    }

    /// The pair that gives way to a better one, or to one of a shorter list.
    private func expendable(for priority: UInt64, in stream: StreamID) -> CheckPair? {
        let own = self[stream]
        var longest: (length: Int, worst: CheckPair)?
        for list in lists where list.stream != stream {
            // Priorities of different streams say nothing of each other: the length alone counts.
            guard let worst = list.worstUnbegun, list.pairs.count > longest?.length ?? 0 else { continue }
            longest = (list.pairs.count, worst)
        }
        if let longest, longest.length > (own?.pairs.count ?? 0) + 1 { return longest.worst }
        return own?.worstUnbegun.flatMap { $0.priority < priority ? $0 : nil }
    }

    // MARK: What to check next

    /// The check that is next in turn, over all lists that are wanted.
    package struct Next {
        package let pair: PairID
        package let isTriggered: Bool
    }

    /// The next triggered check, or else the next ordinary one (RFC 8445 §6.1.4.2); a list without work takes no turn.
    mutating func next() -> Next? {
        for offset in lists.indices {
            let index = (cursor + offset) % lists.count
            if let id = lists[index].firstTriggered { return Next(pair: id, isTriggered: true) }
        }
        for offset in lists.indices {
            let index = (cursor + offset) % lists.count
            if let id = nextOrdinary(inListAt: index) { return Next(pair: id, isTriggered: false) }
        }
        return nil
    }

    /// Marks the pair's check as sent and gives the turn to the list behind its own.
    mutating func begin(_ next: Next, at now: Instant) {
        guard let index = lists.firstIndex(where: { $0.stream == next.pair.stream }) else { return }
        lists[index].dequeue(next.pair)
        lists[index].update(next.pair) { $0.begin(at: now) }
        cursor = (index + 1) % lists.count
    }

    private mutating func nextOrdinary(inListAt index: Int) -> PairID? {
        if let waiting = firstWaiting(inListAt: index) { return waiting }
        guard lists[index].first(in: .frozen) != nil else { return nil }
        let active = Set(pairs.lazy.filter { $0.state == .waiting || $0.state == .inProgress }.map(\.foundation))
        // RFC 8445 §6.1.4.2: one pair per foundation, the lowest component and highest priority first.
        var firsts: [PairFoundation: CheckPair] = [:]
        for pair in lists[index].pairs where pair.state == .frozen && !active.contains(pair.foundation) {
            guard let known = firsts[pair.foundation], known.path.component <= pair.path.component else {
                firsts[pair.foundation] = pair
                continue
            }
        }
        let thawed = Set(firsts.values.map(\.id))
        lists[index].updateAll(where: { thawed.contains($0.id) }) { $0.thaw() }
        return firstWaiting(inListAt: index)
    }

    /// The best pair that waits and whose check may begin: one that opens a connection may have to wait for others.
    private func firstWaiting(inListAt index: Int) -> PairID? {
        guard let first = lists[index].first(in: .waiting) else { return nil }
        guard lists[index][first]?.opensConnection == true else { return first }
        var attempts: [IPAddress: Int] = [:]
        for pair in pairs where pair.opensConnection && pair.state == .inProgress {
            attempts[pair.remote.address.ip, default: 0] += 1
        }
        return lists[index].pairs.first { pair in
            pair.state == .waiting
                && !(pair.opensConnection && attempts[pair.remote.address.ip, default: 0] >= Self.attemptLimit)
        }?.id
    }

    /// RFC 6544 §12: "an ICE agent SHOULD NOT have more than 5 outstanding TCP connection attempts with the same peer to the same IP
    /// address."
    private static let attemptLimit = 5
}
