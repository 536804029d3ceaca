import NetBase
import TURNCore
import Testing

/// An instant so many seconds after the clock's origin.
func second(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

@Suite("Permissions")
struct PermissionTests {
    let peer = IPAddress(v4: 0xc000_0201)
    let other = IPAddress(v4: 0xc000_0202)

    @Test("A permission lives 300 seconds from its request", arguments: [(0, true), (299.9, true), (300, false)])
    func lifetime(_ seconds: Double, _ isAllowed: Bool) {
        var table = PermissionTable()
        #expect(!table.allows(peer, at: second(0)))
        table.install(peer, requestedAt: second(0))
        #expect(table.allows(peer, at: second(seconds)) == isAllowed)
        #expect(!table.allows(other, at: second(seconds)))
    }

    @Test("A refresh is due after 240 seconds, once, and then the permission expires")
    func steps() {
        var table = PermissionTable()
        table.install(peer, requestedAt: second(0))
        table.install(other, requestedAt: second(10))
        #expect(table.deadline == second(240))
        #expect(table.advance(to: second(239.9)) == nil)
        #expect(table.advance(to: second(240)) == .refresh(peer))
        #expect(table.advance(to: second(240)) == nil)
        #expect(table.deadline == second(250))
        table.install(peer, requestedAt: second(241))
        #expect(table.advance(to: second(310)) == .expired(other))
        #expect(table.advance(to: second(310)) == nil)
        #expect(table.all.map(\.peer) == [peer])
        #expect(table.deadline == second(481))
        #expect(table.allows(peer, at: second(540)))
    }

    @Test("Several steps at once come in the order of time, then of installation")
    func order() {
        var table = PermissionTable()
        let peers = (1...20).map { IPAddress(v4: $0) }
        for peer in peers.reversed() { table.install(peer, requestedAt: second(0)) }
        table.install(other, requestedAt: second(-1))
        var steps: [PermissionTable.Step] = []
        while let step = table.advance(to: second(240)) { steps.append(step) }
        #expect(steps == [.refresh(other)] + peers.reversed().map { .refresh($0) })
    }

    @Test("A refresh that failed is reported again at its new time")
    func retry() {
        var table = PermissionTable()
        table.install(peer, requestedAt: second(0))
        #expect(table.advance(to: second(240)) == .refresh(peer))
        table.scheduleRefresh(of: peer, at: second(260))
        #expect(table.deadline == second(260))
        #expect(table.advance(to: second(260)) == .refresh(peer))
        #expect(table.advance(to: second(300)) == .expired(peer))
        #expect(table.deadline == nil)
    }

    @Test("An answer to an older request does not shorten a permission")
    func overtaking() {
        var table = PermissionTable()
        table.install(peer, requestedAt: second(100))
        table.install(peer, requestedAt: second(50))
        #expect(table.all.map(\.expiry) == [second(400)])
    }

    @Test("A full table takes no more peers, but refreshes those that it has")
    func bound() {
        var table = PermissionTable(capacity: 1)
        #expect(table.install(peer, requestedAt: second(0)) == true)
        #expect(table.install(other, requestedAt: second(0)) == false)
        #expect(table.install(peer, requestedAt: second(9)) == true)
        #expect(table.count == 1)
        #expect(!table.allows(other, at: second(1)))
    }

    @Test("The scope of a link-local peer does not matter")
    func scope() {
        var table = PermissionTable()
        table.install(IPAddress(v6High: 0xfe80 << 48, low: 1, scopeID: 3), requestedAt: second(0))
        #expect(table.allows(IPAddress(v6High: 0xfe80 << 48, low: 1), at: second(1)))
    }
}
