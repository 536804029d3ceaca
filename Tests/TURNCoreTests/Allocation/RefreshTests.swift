import NetBase
import STUN
import TURNCore
import Testing

@Suite("Refresh")
struct RefreshTests {
    @Test(
        "B2.1, H6: a refresh goes out a minute before the end, or half way where that is less than two, and by chance up to a quarter and a minute sooner",
        arguments: [(600, 480...540), (3600, 3480...3540), (120, 45...60), (118, 44.25...59), (20, 7.5...10)]
            as [(UInt32, ClosedRange<Double>)])
    func rhythm(_ lifetime: UInt32, _ due: ClosedRange<Double>) {
        let server = ScriptedServer(nonceLifetime: 100_000)
        server.lifetime = lifetime
        server.allocate()
        server.run(due.upperBound * 5)
        let gaps = server.gaps(of: .refresh)
        #expect(gaps.count >= 4 && gaps.allSatisfy(due.contains))
        #expect(Set(gaps).count == gaps.count, "each is drawn anew")
        #expect(
            server.takeEvents().dropFirst()
                == Array(repeating: .refreshed(lifetime: .seconds(Int64(lifetime))), count: gaps.count)[...])
    }

    @Test("B2.1: the new lifetime counts from the refresh")
    func prolonged() throws {
        let server = ScriptedServer.allocated()
        server.lifetime = 300
        server.client.refresh(lifetime: .seconds(300), at: server.now)
        server.run(0.5)
        #expect(server.requests(.refresh).first?[STUNMessage.Lifetime.self]?.value == 300)
        let state = try #require(server.state)
        #expect(state.lifetime == .seconds(300) && state.expiry == second(301))
        let refresh = try #require(state.nextRefresh)
        #expect(refresh >= second(181) && refresh <= second(241))
        #expect(server.takeEvents() == [.refreshed(lifetime: .seconds(300))])
    }

    @Test(
        "B2.1: only a lifetime of zero gives back; parts of seconds are rounded up",
        arguments: [(500, 1), (1000, 1), (1001, 2), (nil, 1)] as [(Int64?, UInt32)])
    func rounding(_ milliseconds: Int64?, _ seconds: UInt32) {
        let server = ScriptedServer.allocated { $0.lifetime = .zero }
        server.client.refresh(lifetime: milliseconds.map { .milliseconds($0) }, at: server.now)
        server.run(1)
        #expect(server.requests(.refresh).map { $0[STUNMessage.Lifetime.self]?.value } == [seconds])
        #expect(server.state != nil)
    }

    @Test("B2.1: refreshes can be turned off, and then the allocation ends by itself")
    func switchedOff() {
        let server = ScriptedServer.allocated { $0.refreshesAllocation = false }
        #expect(server.state?.nextRefresh == nil)
        server.run(700)
        #expect(server.sent.isEmpty)
        #expect(server.takeEvents() == [.lost(.expired)])
        #expect(server.deadline == nil && server.state == nil)
    }

    @Test(
        "B2.1: lifetime 0 gives back, and 437 to it is a success; what comes later changes nothing",
        arguments: [false, true])
    func release(_ isGone: Bool) {
        let server = ScriptedServer.allocated()
        if isGone { server.script[.refresh] = [.error(437)] }
        server.client.refresh(lifetime: .zero, at: server.now)
        server.client.refresh(lifetime: .zero, at: server.now)
        server.run(100)
        #expect(server.requests(.refresh).map { $0[STUNMessage.Lifetime.self]?.value } == [0])
        #expect(server.takeEvents() == [.released])
        #expect(server.state == nil && server.deadline == nil)
        server.client.refresh(lifetime: .zero, at: server.now)
        #expect(server.takeEvents() == [.released], "there was nothing to give back")
        #expect(server.allocate())
    }

    @Test("B2.1: nothing is waited for longer than a request lives when the server is gone")
    func releaseUnanswered() {
        let server = ScriptedServer.allocated()
        server.isSilent = true
        server.client.refresh(lifetime: .zero, at: server.now)
        server.run(39.4)
        #expect(server.takeEvents().isEmpty)
        server.run(0.2)
        #expect(server.takeEvents() == [.released])
    }

    @Test("B2.1, A5.3: a stale nonce in a refresh is renewed without an event")
    func staleNonce() {
        let server = ScriptedServer(nonceLifetime: 300)
        server.allocate()
        server.run(700)
        let times = server.seconds(of: .refresh)
        #expect(times.count == 2 && times.allSatisfy { 480...540 ~= $0 } && times[0] == times[1])
        #expect(server.takeEvents().dropFirst() == [.refreshed(lifetime: .seconds(600))])
    }

    @Test("B2.1: unanswered refreshes go on until the allocation must be gone")
    func unanswered() {
        let server = ScriptedServer.allocated()
        server.isSilent = true
        server.run(598)
        #expect(server.takeEvents().isEmpty)
        server.run(3)
        #expect(server.takeEvents() == [.lost(.expired)])
        #expect(2...3 ~= Set(server.requests(.refresh).map(\.transactionID)).count)
        #expect(server.deadline == nil)
    }

    @Test("B2.1: a passing error is tried again, another one is not", arguments: [(500, 2), (403, 1), (441, 1)])
    func refused(_ code: Int, _ count: Int) {
        let server = ScriptedServer.allocated()
        server.script[.refresh] = [.error(code)]
        server.run(560)
        #expect(server.requests(.refresh).count == count)
        let error = AllocationEvent.error(.refresh, code: code, reason: "test")
        #expect(server.takeEvents() == (count == 2 ? [error, .refreshed(lifetime: .seconds(600))] : [error]))
        #expect(server.state != nil, "what is there lives on to its end")
    }

    @Test("B2.1: a server that takes the lifetime away has forgotten the allocation")
    func zeroed() {
        let server = ScriptedServer.allocated()
        server.script[.refresh] = [.success([STUNMessage.Lifetime(0)])]
        server.run(560)
        #expect(server.takeEvents() == [.lost(.forgotten)])
    }

    @Test("B2.2: one family is given back alone, with its permissions and channels only")
    func oneFamily() throws {
        let server = ScriptedServer { $0.families = [.v4, .v6] }
        server.relays = [relayV4, relayV6]
        server.allocate()
        let peerV6 = try #require(TransportAddress("[2001:db8::9]:7000"))
        for peer in [peer, peerV6] {
            server.client.permit(peer.ip, at: server.now)
            server.client.bind(peer, at: server.now)
        }
        server.run(1)
        #expect(server.state?.channels.map(\.peer) == [peer, peerV6])
        _ = server.takeEvents()
        server.client.refresh(lifetime: .zero, family: .v6, at: server.now)
        server.run(1)
        #expect(server.requests(.refresh).last?[STUNMessage.RequestedAddressFamily.self]?.family == .v6)
        #expect(server.takeEvents() == [.familyReleased(.v6)])
        let state = try #require(server.state)
        #expect(state.relayedAddresses == [relayV4])
        #expect(state.permissions.map(\.peer) == [peer.ip] && state.channels.map(\.peer) == [peer])
        #expect(server.frame([1], to: peerV6) == nil && server.frame([1], to: peer) != nil)
        server.client.refresh(lifetime: .zero, family: .v6, at: server.now)
        server.run(1)
        #expect(server.requests(.refresh).count == 1, "only a family that is there may be named")
        server.client.refresh(lifetime: .zero, family: .v4, at: server.now)
        server.run(1)
        #expect(server.takeEvents() == [.released])
    }

    @Test("B2.2: 443 is told and changes nothing")
    func wrongFamily() {
        let server = ScriptedServer.allocated()
        server.script[.refresh] = [.error(443)]
        server.client.refresh(lifetime: .zero, family: .v4, at: server.now)
        server.run(1)
        #expect(server.takeEvents() == [.error(.refresh, code: 443, reason: "test")])
        #expect(server.state?.relayedAddresses == [relayV4])
    }

    @Test(
        "B1.11: 437 to anything but Allocate means that the allocation is gone",
        arguments: [STUNMethod.refresh, .createPermission, .channelBind])
    func forgotten(_ method: STUNMethod) {
        let server = ScriptedServer.allocated()
        server.script[method] = [.error(437)]
        switch method {
        case .refresh: server.client.refresh(at: server.now)
        case .createPermission: server.client.permit(peer.ip, at: server.now)
        default: server.client.bind(peer, at: server.now)
        }
        server.run(1)
        #expect(server.takeEvents() == [.error(method, code: 437, reason: "test"), .lost(.forgotten)])
        #expect(server.state == nil && server.deadline == nil)
        #expect(server.allocate())
        server.run(1)
        #expect(server.state != nil)
    }

    @Test("A broken link loses the allocation at once, and ends giving back")
    func link() {
        let server = ScriptedServer.allocated()
        server.client.linkFailed(at: server.now)
        server.client.linkFailed(at: server.now)
        #expect(server.takeEvents() == [.lost(.linkFailed(nil))])
        let closing = ScriptedServer.allocated()
        closing.client.refresh(lifetime: .zero, at: closing.now)
        closing.client.linkFailed(at: closing.now)
        #expect(closing.takeEvents() == [.released])
        #expect(closing.deadline == nil)
    }
}
