import NetBase
import TURNCore
import Testing

@Suite("Channel bindings")
struct ChannelBindingTests {
    let peer = TransportAddress(IPAddress(v4: 0xc000_0201), port: 1000)
    let other = TransportAddress(IPAddress(v4: 0xc000_0201), port: 1001)

    private func reserve(_ peer: TransportAddress, in table: inout ChannelBindingTable, at now: Instant) throws
        -> ChannelNumber
    {
        let channel = table.reserve(for: peer, at: now)
        return try #require(channel)
    }

    @Test("Until the server confirms it, a channel is read from but not written to")
    func confirmation() throws {
        var table = ChannelBindingTable()
        let channel = try reserve(peer, in: &table, at: second(0))
        #expect(channel.rawValue == 0x4000)
        #expect(table.peer(on: channel, at: second(0)) == peer)
        #expect(table.channel(to: peer, at: second(0)) == nil)
        table.confirm(channel, requestedAt: second(0), at: second(1))
        #expect(table.channel(to: peer, at: second(1)) == channel)
        #expect(table.channel(to: other, at: second(1)) == nil)
        let unbound = try #require(ChannelNumber(rawValue: 0x4001))
        #expect(table.peer(on: unbound, at: second(1)) == nil)
    }

    @Test("A channel lives 600 seconds from its request", arguments: [(599.9, true), (600, false)])
    func lifetime(_ seconds: Double, _ isBound: Bool) throws {
        var table = ChannelBindingTable()
        let channel = try reserve(peer, in: &table, at: second(0))
        table.confirm(channel, requestedAt: second(0), at: second(0))
        #expect((table.channel(to: peer, at: second(seconds)) == channel) == isBound)
        #expect((table.peer(on: channel, at: second(seconds)) == peer) == isBound)
    }

    @Test("The pair is rebound every 240 seconds, which keeps the permission as well")
    func refresh() throws {
        var table = ChannelBindingTable()
        let channel = try reserve(peer, in: &table, at: second(0))
        #expect(table.deadline == nil)
        table.confirm(channel, requestedAt: second(0), at: second(0))
        #expect(table.deadline == second(240))
        #expect(table.advance(to: second(239.9)) == nil)
        #expect(table.advance(to: second(240)) == .refresh(channel, peer))
        #expect(table.advance(to: second(240)) == nil)
        #expect(table.deadline == second(600))
        #expect(table.reserve(for: peer, at: second(240)) == channel)
        table.confirm(channel, requestedAt: second(240), at: second(241))
        #expect(table.deadline == second(480))
        table.confirm(channel, requestedAt: second(100), at: second(242))
        #expect(table.deadline == second(480), "an answer to an older request came late")
    }

    @Test("For 300 seconds behind its end a pair may be bound again, but neither half to another")
    func resting() throws {
        // Room for one pair, which shows whether that is still taken.
        var table = ChannelBindingTable(capacity: 1)
        let channel = try reserve(peer, in: &table, at: second(0))
        table.confirm(channel, requestedAt: second(0), at: second(2))
        #expect(table.advance(to: second(240)) == .refresh(channel, peer))
        #expect(table.advance(to: second(600)) == .expired(channel, peer))
        #expect(table.deadline == second(902), "the server's 600 seconds began at second 2 at the latest")
        #expect(table.reserve(for: other, at: second(901)) == nil)

        var again = table
        #expect(again.reserve(for: peer, at: second(901)) == channel)
        again.confirm(channel, requestedAt: second(901), at: second(901))
        #expect(again.channel(to: peer, at: second(901)) == channel)

        #expect(table.advance(to: second(902)) == nil)
        #expect(table.count == 0)
        #expect(table.deadline == nil)
        #expect(table.reserve(for: other, at: second(902)) != nil)
    }

    @Test("A number that rests is not given to another peer, and comes round last")
    func numbers() throws {
        var table = ChannelBindingTable()
        let peers = (0..<4097).map { TransportAddress(IPAddress(v4: 0x0a00_0000 + UInt32($0)), port: 9) }
        var given: Set<ChannelNumber> = []
        for peer in peers.dropLast() { given.insert(try reserve(peer, in: &table, at: second(0))) }
        #expect(given.count == 4096)
        #expect(table.reserve(for: peers[4096], at: second(0)) == nil)
        let freed = try #require(ChannelNumber(rawValue: 0x4123))
        table.refuse(freed, at: second(1))
        #expect(table.reserve(for: peers[4096], at: second(1)) == freed)
    }

    @Test("A refused request frees its channel; an unanswered one keeps the pair together for 900 seconds")
    func failures() throws {
        var refused = ChannelBindingTable(capacity: 1)
        refused.refuse(try reserve(peer, in: &refused, at: second(0)), at: second(1))
        #expect(refused.count == 0)
        #expect(refused.reserve(for: other, at: second(1)) != nil)

        var abandoned = ChannelBindingTable(capacity: 1)
        let channel = try reserve(peer, in: &abandoned, at: second(0))
        abandoned.abandon(channel, at: second(40))
        #expect(abandoned.peer(on: channel, at: second(41)) == nil)
        #expect(abandoned.reserve(for: other, at: second(939)) == nil)
        #expect(abandoned.reserve(for: other, at: second(940)) != nil)

        var bound = ChannelBindingTable()
        let kept = try reserve(peer, in: &bound, at: second(0))
        bound.confirm(kept, requestedAt: second(0), at: second(0))
        #expect(bound.advance(to: second(240)) == .refresh(kept, peer))
        bound.refuse(kept, at: second(241))
        #expect(bound.channel(to: peer, at: second(599)) == kept)
        bound.scheduleRefresh(of: kept, at: second(250))
        #expect(bound.advance(to: second(250)) == .refresh(kept, peer))
        bound.abandon(kept, at: second(290))
        #expect(bound.channel(to: peer, at: second(599)) == kept)
        #expect(bound.advance(to: second(600)) == .expired(kept, peer))
        #expect(bound.deadline == second(1190))
    }

    @Test("Several steps at once come in the order of time, then of number")
    func order() throws {
        var table = ChannelBindingTable()
        let peers = (1...20).map { TransportAddress(IPAddress(v4: $0), port: 9) }
        var expected: [ChannelBindingTable.Step] = []
        for peer in peers {
            let channel = try reserve(peer, in: &table, at: second(0))
            table.confirm(channel, requestedAt: second(0), at: second(0))
            expected.append(.refresh(channel, peer))
        }
        var steps: [ChannelBindingTable.Step] = []
        while let step = table.advance(to: second(240)) { steps.append(step) }
        #expect(steps == expected)
    }
}
