import NetBase
import STUN
import TURNCore
import Testing

@Suite("Channels of an allocation")
struct AllocationChannelTests {
    private let first = ChannelNumber(rawValue: 0x4000)!

    @Test("B2.6, B2.7: a channel is bound under a number from 0x4000 on, and brings the permission")
    func bind() {
        let server = ScriptedServer.allocated()
        server.client.bind(peer, at: server.now)
        server.client.bind(peer, at: server.now)
        server.run(1)
        let request = server.requests(.channelBind).first
        #expect(server.sent.count == 1)
        #expect(request?[STUNMessage.ChannelNumber.self]?.value == 0x4000)
        #expect(request?[STUNMessage.XORPeerAddress.self]?.address == peer)
        #expect(server.takeEvents() == [.permitted(peer.ip), .channelBound(peer, first)])
        server.client.bind(peer, at: server.now)
        #expect(server.takeEvents() == [.channelBound(peer, first)], "it is there already")
    }

    @Test("B2.6: it is bound anew every 180 to 240 seconds, which keeps the permission without a request of its own")
    func refresh() {
        let server = ScriptedServer.allocated()
        server.client.bind(peer, at: server.now)
        server.run(1)
        _ = server.takeEvents()
        server.forgetSent()
        server.run(1000)
        let gaps = server.gaps(of: .channelBind, since: second(1))
        #expect(gaps.count >= 4 && gaps.allSatisfy { 180...240 ~= $0 })
        #expect(Set(server.requests(.channelBind).compactMap { $0[STUNMessage.ChannelNumber.self]?.value }) == [0x4000])
        #expect(server.requests(.createPermission).isEmpty)
        #expect(Set(server.takeEvents()) == [.refreshed(lifetime: .seconds(600))])
    }

    @Test(
        "B2.6: without refreshes it runs out after 600 seconds, while its permission is kept; data goes on in Send indications"
    )
    func expiry() throws {
        let server = ScriptedServer.allocated { $0.refreshesChannels = false }
        server.client.bind(peer, at: server.now)
        server.run(599)
        #expect(server.frame([1], to: peer)?.first == 0x40)
        #expect(server.gaps(of: .createPermission, since: second(1)).allSatisfy { 180...240 ~= $0 })
        _ = server.takeEvents()
        server.run(3)
        #expect(server.takeEvents() == [.channelExpired(peer, first)])
        let bytes = try #require(server.frame([1], to: peer))
        let message = try STUNMessage(parsing: bytes.span)
        #expect(SendIndication(message)?.peer == peer)
    }

    @Test("B2.8: after it ran out, the same peer gets the same number, another peer another one")
    func resting() {
        let server = ScriptedServer.allocated { $0.refreshesChannels = false }
        server.client.bind(peer, at: server.now)
        server.run(610)
        server.client.bind(otherPeer, at: server.now)
        server.client.bind(peer, at: server.now)
        server.run(1)
        #expect(
            server.requests(.channelBind).compactMap { $0[STUNMessage.ChannelNumber.self]?.value } == [
                0x4000, 0x4001, 0x4000,
            ])
    }

    @Test("B2.9: until the channel is bound, data goes out in Send indications, and what comes on it is taken")
    func beforeSuccess() throws {
        let server = ScriptedServer.allocated()
        server.client.bind(peer, at: server.now)
        let bytes = try #require(server.frame([1, 2], to: peer))
        let message = try STUNMessage(parsing: bytes.span)
        #expect(SendIndication(message)?.peer == peer)
        let early: [UInt8] = [0x40, 0, 0, 1, 9]
        #expect(server.payload(ofChannelData: early.span, at: server.now)?.peer == peer)
        server.run(1)
        #expect(server.frame([1, 2], to: peer) == [0x40, 0, 0, 2, 1, 2])
    }

    @Test("B2.10: an unexpected 400 gives the allocation back, so that a new one can be made")
    func badRequest() {
        let server = ScriptedServer.allocated()
        server.script[.channelBind] = [.error(400)]
        server.client.bind(peer, at: server.now)
        server.run(1)
        #expect(server.takeEvents() == [.error(.channelBind, code: 400, reason: "test"), .lost(.channelMismatch)])
        #expect(server.requests(.refresh).map { $0[STUNMessage.Lifetime.self]?.value } == [0])
        #expect(server.allocate())
        server.run(1)
        #expect(server.state != nil)
    }

    @Test("B2.10: other errors cost the channel alone", arguments: [403, 443, 508])
    func refused(_ code: Int) {
        let server = ScriptedServer.allocated()
        server.script[.channelBind] = [.error(code)]
        server.client.permit(peer.ip, at: server.now)
        server.client.bind(peer, at: server.now)
        server.run(1)
        #expect(
            server.takeEvents() == [
                .permitted(peer.ip), .error(.channelBind, code: code, reason: "test"),
                .channelRefused(peer, .refused(code: code, reason: "test")),
            ])
        #expect(server.state?.channels.isEmpty == true)
        #expect(server.frame([1], to: peer)?.first == 0, "a Send indication")
    }

    @Test("B2.6: when binding anew is refused, the permission is asked for by itself")
    func refreshRefused() {
        let server = ScriptedServer.allocated()
        server.client.bind(peer, at: server.now)
        server.run(1)
        server.script[.channelBind] = [.error(403)]
        server.run(300)
        let times = server.seconds(of: .createPermission)
        #expect(times.count == 1 && times.allSatisfy { 181...241 ~= $0 })
        #expect(server.state?.permissions.map(\.peer) == [peer.ip])
    }

    @Test("B2.6: a passing error, or silence, is tried again while the channel lives", arguments: [true, false])
    func passing(_ isSilent: Bool) {
        let server = ScriptedServer.allocated()
        server.client.bind(peer, at: server.now)
        server.run(1)
        server.script[.channelBind] = isSilent ? Array(repeating: .silence, count: 7) : [.error(500)]
        server.run(330)
        #expect(Set(server.requests(.channelBind).map(\.transactionID)).count == 3)
        #expect(server.state?.channels.count == 1)
    }

    @Test("A channel that nobody answers for is told")
    func unanswered() {
        let server = ScriptedServer.allocated()
        server.isSilent = true
        server.client.bind(peer, at: server.now)
        server.run(40)
        #expect(server.takeEvents() == [.channelRefused(peer, .unanswered(.timeout))])
    }
}
