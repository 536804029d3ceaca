import NetBase
import Testing

@testable import ICECore

@Suite("Checklists")
struct ChecklistTests {
    private var set = ChecklistSet()

    init() {
        for stream in 0..<3 { set.addList(for: StreamID(stream)) }
    }

    /// Adds a pair whose foundation and priority the test chooses.
    @discardableResult
    private mutating func add(
        _ foundation: String, priority: UInt32, path: StreamComponent = .first, role: Role = .controlling
    ) throws -> PairID {
        let port = UInt16(10_000 + set.pairCount)
        let local = LocalCandidate.sample("192.0.2.1:5000", foundation: foundation, path: path, priority: priority)
        let remote = Candidate.sample(TransportAddress("203.0.113.1", port: port), path: path, priority: 1_000_000)
        return try unwrap(set.insert(local: local, remote: remote, role: role))
    }

    private func states(_ ids: [PairID]) -> [CheckPair.State?] { ids.map { set[$0]?.state } }

    private mutating func beginNext() -> PairID? {
        guard let next = set.next() else { return nil }
        set.begin(next, at: .ms(0))
        return next.pair
    }

    private mutating func succeed(_ id: PairID) throws {
        let pair = try unwrap(set[id])
        set.update(id) {
            $0.succeed(
                as: .init(local: pair.local.candidate, priority: pair.priority, confirmedAt: .ms(0)), roundTripTime: nil
            )
        }
        set.thaw(pair.foundation)
    }

    @Test("Pairs stand in the order of their priorities, equal ones in that of their coming")
    mutating func order() throws {
        let ids = [
            try add("a", priority: 5), try add("b", priority: 9), try add("c", priority: 5), try add("d", priority: 7),
        ]
        #expect(set[StreamID(0)]?.pairs.map(\.id) == [ids[1], ids[3], ids[0], ids[2]])
    }

    @Test(
        "C2.5: of pairs that come by foundation, component and priority, one of each foundation is Waiting (RFC 8445 §6.1.2.6)"
    )
    mutating func initialStates() throws {
        let ids = [
            try add("a", priority: 9), try add("a", priority: 8), try add("b", priority: 7),
            try add("a", priority: 20, path: .path(0, 2)), try add("a", priority: 30, path: .path(1)),
            try add("c", priority: 1, path: .path(1)),
        ]
        #expect(states(ids) == [.waiting, .frozen, .waiting, .frozen, .frozen, .waiting])
    }

    @Test(
        "D1.4: a pair that comes later is Waiting if it is the topmost of its foundation or one has succeeded (RFC 8838 §12)"
    )
    mutating func lateStates() throws {
        let first = try add("a", priority: 5, path: .path(1))
        let better = try add("a", priority: 9, path: .path(1))
        let earlier = try add("a", priority: 1, path: .path(0, 2))
        let worse = try add("a", priority: 1, path: .path(1))
        #expect(states([first, better, earlier, worse]) == [.waiting, .waiting, .waiting, .frozen])
        try succeed(first)
        let late = try add("a", priority: 1, path: .path(2))
        #expect(states([worse, late]) == [.waiting, .waiting])
    }

    @Test("C2.7: success thaws the pairs of its foundation in all lists, failure none (RFC 8445 §7.2.5.3.3, §7.2.5.2)")
    mutating func thawing() throws {
        let first = try add("a", priority: 9)
        let others = [
            try add("a", priority: 8), try add("a", priority: 9, path: .path(1)),
            try add("a", priority: 8, path: .path(2)),
        ]
        let unrelated = [try add("b", priority: 9), try add("b", priority: 3, path: .path(1))]
        set.update(first) { $0.begin(at: .ms(0)) }
        set.update(first) { $0.fail() }
        #expect(states(others) == [.frozen, .frozen, .frozen])
        set.update(first) { $0.trigger() }
        try succeed(first)
        #expect(states(others) == [.waiting, .waiting, .waiting])
        #expect(states(unrelated) == [.waiting, .frozen])
    }

    @Test("C2.6: lists take turns, and one without work takes none (RFC 8445 §6.1.4.2)")
    mutating func roundRobin() throws {
        let first = [try add("a", priority: 9), try add("b", priority: 8), try add("c", priority: 7)]
        let third = [try add("d", priority: 9, path: .path(2)), try add("e", priority: 8, path: .path(2))]
        var begun: [PairID] = []
        while let id = beginNext() { begun.append(id) }
        #expect(begun == [first[0], third[0], first[1], third[1], first[2]])
    }

    @Test("C2.6: triggered checks go first, in the order they were triggered, each once")
    mutating func triggered() throws {
        let ids = [
            try add("a", priority: 9), try add("b", priority: 8), try add("b", priority: 7), try add("a", priority: 1),
        ]
        for id in [ids[3], ids[2], ids[3]] { _ = set.withList(StreamID(0)) { $0.trigger(id) } }
        #expect(states(ids) == [.waiting, .waiting, .waiting, .waiting])
        #expect(set.next()?.isTriggered == true)
        #expect(
            [beginNext(), beginNext(), beginNext(), beginNext(), beginNext()] == [ids[3], ids[2], ids[0], ids[1], nil])
        #expect(set.next() == nil)
    }

    @Test("C2.7: pairs that come later are Waiting where a learned address has shown that the machine is reached")
    mutating func lateAfterLearned() throws {
        let base = { (path: StreamComponent) in LocalCandidate.sample("192.0.2.1:5000", path: path, priority: 100) }
        let insert = {
            (set: inout ChecklistSet, address: TransportAddress, foundation: String, path: StreamComponent) in
            let kind = foundation == "learned" ? Candidate.Kind.peerReflexive : .serverReflexive
            let remote = Candidate.sample(address, kind: kind, foundation: foundation, path: path)
            return set.insert(local: base(path), remote: remote, role: .controlling)
        }
        // A symmetric NAT gave the server's view of the first component another port than the peer's checks come from.
        let mapped = try unwrap(insert(&set, "203.0.113.1:1000", "s", .first))
        let learned = try unwrap(insert(&set, "203.0.113.1:2000", "learned", .first))
        #expect(Set([beginNext(), beginNext()]) == [mapped, learned])
        try succeed(learned)
        let second = try unwrap(insert(&set, "203.0.113.1:3000", "s", .path(0, 2)))
        let elsewhere = try unwrap(insert(&set, "203.0.113.9:3000", "s", .path(1)))
        #expect(states([second, elsewhere]) == [.waiting, .frozen])
    }

    @Test(
        "C2.6: with nothing Waiting, one pair is thawed of each foundation that is idle in every list (RFC 8445 §6.1.4.2)"
    )
    mutating func unfreezing() throws {
        let busy = [try add("a", priority: 9), try add("b", priority: 9)]
        let frozen = [
            try add("a", priority: 9, path: .path(1)), try add("b", priority: 5, path: .path(1, 2)),
            try add("b", priority: 4, path: .path(1)),
            try add("b", priority: 3, path: .path(1)),
        ]
        #expect(states(frozen) == [.frozen, .frozen, .frozen, .frozen])
        #expect(beginNext() == busy[0] && beginNext() == busy[1])
        #expect(set.next() == nil, "both foundations are in progress")
        set.update(busy[1]) { $0.fail() }
        // The lowest component goes first, and in it the highest priority.
        #expect(beginNext() == frozen[2])
        #expect(states(frozen) == [.frozen, .frozen, .inProgress, .frozen])
        #expect(set.next() == nil)
        set.update(frozen[2]) { $0.fail() }
        #expect(beginNext() == frozen[3])
        set.update(busy[0]) { $0.fail() }
        #expect(beginNext() == frozen[0])
    }

    @Test(
        "C2.4, D1.2: under a limit, failed pairs give way first, then worse ones that nobody has begun (RFC 8838 §10)")
    mutating func room() throws {
        let ids = [
            try add("a", priority: 9), try add("b", priority: 8), try add("c", priority: 7), try add("d", priority: 6),
        ]
        let priority = try unwrap(set[ids[1]]).priority
        #expect(set.makeRoom(for: 0, in: StreamID(0), limit: 5) == true)
        #expect(set.pairCount == 4)
        #expect(beginNext() == ids[0])
        set.update(ids[0]) { $0.fail() }
        #expect(set.makeRoom(for: 0, in: StreamID(0), limit: 4) == true)
        #expect(set[ids[0]] == nil)
        #expect(set.makeRoom(for: priority, in: StreamID(0), limit: 3) == true)
        #expect(set[ids[3]] == nil && set.pairCount == 2)
        #expect(set.makeRoom(for: 0, in: StreamID(0), limit: 2) == false)
        while beginNext() != nil {}
        #expect(set.makeRoom(for: .max, in: StreamID(0), limit: 2) == false && set.pairCount == 2)
    }

    @Test(
        "C2.4: over the limit, pairs are dropped evenly over the lists, whatever their priorities (RFC 8445 §6.1.2.5)")
    mutating func evenRoom() throws {
        let limit = 9
        for number in 0..<12 {
            for (stream, base) in [(0, UInt32(900_000)), (1, 100), (2, 5_000)] {
                let priority = base + UInt32(number)
                let pair = CandidatePair.priority(local: priority, remote: 1_000_000, role: .controlling)
                guard set.makeRoom(for: pair, in: StreamID(stream), limit: limit) else { continue }
                try add("\(stream)/\(number)", priority: priority, path: .path(stream))
            }
        }
        #expect(set.pairCount == limit)
        #expect(set.lists.map(\.pairs.count) == [3, 3, 3])
        #expect(
            set.lists.map { $0.pairs.map(\.local.candidate.priority) } == [
                [900_011, 900_010, 900_009], [111, 110, 109], [5_011, 5_010, 5_009],
            ])
        // A worse one of a list that has its share goes nowhere.
        #expect(set.makeRoom(for: 0, in: StreamID(0), limit: limit) == false)
    }

    @Test("C2.4: a list that filled the whole limit makes room for those that come later")
    mutating func lateRoom() throws {
        for number in 0..<9 { try add("a\(number)", priority: UInt32(900_000 + number)) }
        for number in 0..<9 where set.makeRoom(for: 1, in: StreamID(1), limit: 9) {
            try add("b\(number)", priority: 1, path: .path(1))
        }
        #expect(set.lists.map(\.pairs.count) == [5, 4, 0])
        #expect(
            set[StreamID(0)]?.pairs.map(\.local.candidate.priority) == [900_008, 900_007, 900_006, 900_005, 900_004])
    }

    @Test("A pair that made room is not checked any more, though it was triggered")
    mutating func roomAndQueue() throws {
        let id = try add("a", priority: 1)
        _ = set.withList(StreamID(0)) { $0.trigger(id) }
        #expect(set.makeRoom(for: .max, in: StreamID(0), limit: 1) == true)
        #expect(set.next() == nil)
    }

    @Test("C2.2: a change of role computes all priorities anew and sorts by them (RFC 8445 §7.2.5.1)")
    mutating func roleChange() throws {
        let better = try add("a", priority: 2_000_000)
        let worse = try add("b", priority: 500_000)
        let before = [try unwrap(set[better]).priority, try unwrap(set[worse]).priority]
        #expect(before == [1_000_000 << 32 + 4_000_000 + 1, 500_000 << 32 + 2_000_000])
        try succeed(better)
        set.changeRole(to: .controlled)
        #expect(set[better]?.priority == before[0] - 1 && set[worse]?.priority == before[1] + 1)
        #expect(set[better]?.valid?.priority == before[0] - 1)
        #expect(set[StreamID(0)]?.pairs.map(\.id) == [better, worse])
    }

    @Test("Equal pairs that a role sets apart change places with it")
    mutating func roleChangeOrder() throws {
        // The same two numbers on opposite ends give priorities that differ only by who controls.
        func insert(_ local: UInt32, _ remote: UInt32, port: UInt16) throws -> PairID {
            try unwrap(
                set.insert(
                    local: .sample("192.0.2.1:5000", priority: local),
                    remote: .sample(TransportAddress("203.0.113.1", port: port), priority: remote), role: .controlling))
        }
        let first = try insert(900, 800, port: 1)
        let second = try insert(800, 900, port: 2)
        #expect(set[StreamID(0)]?.pairs.map(\.id) == [first, second])
        set.changeRole(to: .controlled)
        #expect(set[StreamID(0)]?.pairs.map(\.id) == [second, first])
    }

    @Test("Only legal moves change a pair's state")
    mutating func moves() throws {
        let waiting = try add("a", priority: 9)
        let frozen = try add("a", priority: 8)
        set.update(frozen) { $0.begin(at: .ms(0)) }
        #expect(set[frozen]?.state == .frozen && set[frozen]?.startedAt == nil)
        set.update(waiting) { $0.thaw() }
        #expect(set[waiting]?.state == .waiting)
        set.update(waiting) { $0.nominate() }
        #expect(set[waiting]?.isNominated == false, "a pair that is not valid can't be nominated")
        try succeed(waiting)
        set.update(waiting) { $0.trigger() }
        #expect(set[waiting]?.state == .succeeded)
        set.update(waiting) { $0.nominate() }
        #expect(set[waiting]?.isNominated == true && set[waiting]?.description.isNominated == true)
        set.update(waiting) { $0.fail() }
        #expect(set[waiting]?.state == .failed && set[waiting]?.valid == nil && set[waiting]?.isNominated == false)
    }

    @Test("A link-local peer is reached in the scope of the local interface")
    mutating func scope() throws {
        let base = TransportAddress("fe80::1%4", port: 5000)
        let remote = Candidate.sample("[fe80::2]:6000")
        let id = try unwrap(set.insert(local: .sample(base), remote: remote, role: .controlling))
        #expect(set[id]?.destination == TransportAddress("fe80::2%4", port: 6000))
    }
}
