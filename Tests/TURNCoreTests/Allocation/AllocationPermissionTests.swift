import NetBase
import STUN
import TURNCore
import Testing

@Suite("Permissions of an allocation")
struct AllocationPermissionTests {
    @Test("B2.4: a permission is asked for by address alone, and told once for each who asks")
    func permit() throws {
        let server = ScriptedServer.allocated()
        server.client.permit(peer.ip, at: server.now)
        server.client.permit(peer.ip, at: server.now)
        server.run(1)
        #expect(
            server.requests(.createPermission).map { $0[STUNMessage.XORPeerAddress.self]?.address } == [
                TransportAddress(peer.ip, port: 0)
            ])
        #expect(server.takeEvents() == [.permitted(peer.ip)])
        #expect(server.state?.permissions.map(\.peer) == [peer.ip])
        server.client.permit(peer.ip, at: server.now)
        #expect(server.takeEvents() == [.permitted(peer.ip)], "it is there already")
    }

    @Test("B2.4: it is refreshed every 180 to 240 seconds, with others in one request, and without an event")
    func refresh() {
        let server = ScriptedServer.allocated()
        server.client.permit(peer.ip, at: server.now)
        server.client.permit(otherPeer.ip, at: server.now)
        server.run(1)
        #expect(server.requests(.createPermission).count == 2, "a peer that is refused must not hold the other up")
        _ = server.takeEvents()
        server.forgetSent()
        server.run(1000)
        let gaps = server.gaps(of: .createPermission, since: second(1))
        #expect(gaps.count >= 4 && gaps.allSatisfy { 180...240 ~= $0 })
        for request in server.requests(.createPermission) {
            #expect(request.attributes.count { $0.type == STUNMessage.XORPeerAddress.type } == 2)
        }
        #expect(Set(server.takeEvents()) == [.refreshed(lifetime: .seconds(600))], "of the allocation")
    }

    @Test("B2.3: data does not prolong it; without refreshes it runs out after 300 seconds")
    func dataDoesNotRefresh() {
        let server = ScriptedServer.allocated { $0.refreshesPermissions = false }
        server.client.permit(peer.ip, at: server.now)
        server.run(299)
        #expect(server.frame([1], to: peer) != nil)
        #expect(server.takeEvents() == [.permitted(peer.ip)])
        server.run(2)
        #expect(server.frame([1], to: peer) == nil)
        #expect(server.takeEvents() == [.permissionExpired(peer.ip)])
        #expect(server.requests(.createPermission).count == 1)
    }

    @Test("B2.4: a peer of another family than any relayed address is refused here")
    func family() throws {
        let server = ScriptedServer.allocated()
        let peerV6 = try #require(TransportAddress("[2001:db8::9]:7000"))
        server.client.permit(peerV6.ip, at: server.now)
        server.client.bind(peerV6, at: server.now)
        server.run(1)
        #expect(
            server.takeEvents() == [
                .permissionRefused(peerV6.ip, .familyMismatch), .channelRefused(peerV6, .familyMismatch),
            ])
        #expect(server.sent.isEmpty)
    }

    @Test("B2.4: a refusal is told, and not repeated", arguments: [400, 403, 443, 508])
    func refused(_ code: Int) {
        let server = ScriptedServer.allocated()
        server.script[.createPermission] = [.error(code)]
        server.client.permit(peer.ip, at: server.now)
        server.run(300)
        #expect(
            server.takeEvents() == [
                .error(.createPermission, code: code, reason: "test"),
                .permissionRefused(peer.ip, .refused(code: code, reason: "test")),
            ])
        #expect(server.requests(.createPermission).count == 1)
        #expect(server.frame([1], to: peer) == nil)
    }

    @Test("B2.4: when a refresh of several is refused, each is asked for alone, and only the bad one is lost")
    func split() {
        let server = ScriptedServer.allocated()
        server.client.permit(peer.ip, at: server.now)
        server.client.permit(otherPeer.ip, at: server.now)
        server.run(1)
        _ = server.takeEvents()
        server.script[.createPermission] = [.error(403), .error(403)]
        server.run(320)
        #expect(
            server.takeEvents().first { if case .permissionRefused = $0 { true } else { false } }
                == .permissionRefused(peer.ip, .refused(code: 403, reason: "test")))
        #expect(server.state?.permissions.map(\.peer) == [otherPeer.ip])
        #expect(server.requests(.createPermission).count == 5)
    }

    @Test("When a refresh of several fails in passing, they are asked for again together, and nothing is told of them")
    func passing() throws {
        let server = ScriptedServer.allocated()
        for number in 1...16 { server.client.permit(IPAddress(v4: 0xc000_0200 + UInt32(number)), at: server.now) }
        server.run(1)
        _ = server.takeEvents()
        server.forgetSent()
        server.script[.createPermission] = [.error(508), .error(508)]
        server.run(299)
        let times = server.seconds(of: .createPermission)
        let first = try #require(times.first)
        #expect(181...241 ~= first)
        #expect(times == [first, first, first + 5, first + 5])
        #expect(
            server.takeEvents() == [
                .error(.createPermission, code: 508, reason: "test"),
                .error(.createPermission, code: 508, reason: "test"),
            ])
        #expect(server.client.state?.permissions.count == 16)
    }

    @Test("B2.4: peers that are permitted before the allocation is there are asked for as soon as it is")
    func early() {
        let server = ScriptedServer()
        server.allocate()
        server.client.permit(peer.ip, at: server.now)
        server.client.bind(otherPeer, at: server.now)
        server.run(1)
        #expect(server.sent.map(\.message.method) == [.allocate, .allocate, .createPermission, .channelBind])
        #expect(Set(server.takeEvents().dropFirst()).isSuperset(of: [.permitted(peer.ip), .permitted(otherPeer.ip)]))
    }

    @Test("Without an allocation, or one on its way, nobody is permitted")
    func none() {
        let server = ScriptedServer()
        server.client.permit(peer.ip, at: server.now)
        server.client.bind(peer, at: server.now)
        #expect(
            server.takeEvents() == [.permissionRefused(peer.ip, .noAllocation), .channelRefused(peer, .noAllocation)])
        #expect(server.frame([1], to: peer) == nil)
    }

    @Test("A6.2: ten requests are on their way at once at most, the others follow")
    func outstanding() {
        let server = ScriptedServer.allocated()
        for number in 1...25 { server.client.permit(IPAddress(v4: 0xc000_0200 + UInt32(number)), at: server.now) }
        server.run(0)
        #expect(server.sent.count == 10)
        server.run(1)
        #expect(server.sent.count == 25 && server.state?.permissions.count == 25)
    }

    @Test("What a caller can make grow is bounded")
    func bounded() {
        let server = ScriptedServer.allocated()
        server.isSilent = true
        for number in 1...1100 { server.client.permit(IPAddress(v4: 0x0a00_0000 + UInt32(number)), at: server.now) }
        let refused = server.takeEvents()
        #expect(refused.count == 1100 - 1024 - 10)
        #expect(refused.allSatisfy { if case .permissionRefused(_, .tooMany) = $0 { true } else { false } })
    }

    @Test("A permission that nobody answers for is told; a refresh of one is tried again while it lives")
    func unanswered() {
        let server = ScriptedServer.allocated()
        server.client.permit(otherPeer.ip, at: server.now)
        server.run(1)
        server.isSilent = true
        server.client.permit(peer.ip, at: server.now)
        _ = server.takeEvents()
        server.run(40)
        #expect(server.takeEvents() == [.permissionRefused(peer.ip, .unanswered(.timeout))])
        server.run(258)
        #expect(server.takeEvents().isEmpty)
        server.run(2)
        #expect(server.takeEvents() == [.permissionExpired(otherPeer.ip)])
        #expect(4...5 ~= Set(server.requests(.createPermission).map(\.transactionID)).count)
    }
}
