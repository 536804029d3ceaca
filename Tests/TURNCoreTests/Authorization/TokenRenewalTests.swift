import NetBase
import STUN
import Testing

@testable import TURNCore

@Suite("B3.6: access tokens that run out")
struct TokenRenewalTests {
    @Test(
        "B3.6: a new token is asked for a minute or two before the end, or half way where that is less; once",
        arguments: [(900, 780...840), (3600, 3480...3540), (120, 45...60), (60, 22...30)] as [(Int64, ClosedRange<Int>)]
    )
    func rhythm(lifetime: Int64, due: ClosedRange<Int>) {
        let server = ScriptedServer.allocated(under: accessToken(1, lifetime: lifetime))
        server.run(Double(due.lowerBound) - 1.1)
        #expect(server.takeQuestions() == 0)
        server.run(Double(due.count) + 0.2)
        #expect(server.takeQuestions() == 1)
        server.run(20)
        #expect(server.takeQuestions() == 0)
    }

    @Test("B3.6: the new token refreshes the allocation at once, and its key signs what comes behind")
    func renewed() {
        let (old, new) = (accessToken(1), accessToken(2, keyID: "another"))
        let server = ScriptedServer.allocated(under: old)
        server.run(845)
        server.forgetSent()
        server.register(new)
        server.provide(new)
        server.client.permit(peer.ip, at: server.now)
        server.run(1)
        #expect(server.sent.map(\.message.method) == [.refresh, .createPermission])
        #expect(server.sent.map(\.message.accessToken) == [new.token, nil])
        #expect(server.sent.allSatisfy { $0.message.isSigned(under: new) })
        #expect(server.takeEvents().suffix(2) == [.refreshed(lifetime: .seconds(600)), .permitted(peer.ip)])
        server.run(775)
        #expect(server.takeQuestions() == 0, "the new one has not run out yet")
        server.run(70)
        #expect(server.takeQuestions() == 1)
        #expect(server.state != nil)
    }

    @Test("B3.6: a token may come before it is asked for")
    func early() {
        let (old, new) = (accessToken(1), accessToken(2, lifetime: 2000))
        let server = ScriptedServer.allocated(under: old)
        server.register(new)
        server.provide(new)
        server.run(1900)
        #expect(server.takeQuestions() == 0)
        #expect(server.state != nil && server.requests(.refresh).allSatisfy { $0.accessToken == new.token })
    }

    @Test("B3.6: without another token the allocation ends with the one there was, and nothing is asked in vain")
    func expired() {
        let server = ScriptedServer.allocated(under: accessToken(1))
        server.run(1000)
        #expect(server.takeEvents().last == .lost(.accessTokenExpired))
        #expect(1...2 ~= server.requests(.refresh).count, "none but those that were due before")
        #expect(server.deadline == nil && server.state == nil)
    }

    @Test("B3.6: while a new token is refused the old key goes on, and no more than two others are asked for")
    func rejected() {
        let old = accessToken(1)
        let server = ScriptedServer.allocated(under: old)
        for number in 10...15 {
            server.provide(accessToken(UInt8(number)))
            server.run(1)
            server.client.permit(IPAddress("192.0.2.\(number)")!, at: server.now)
            server.run(1)
        }
        #expect(server.requests(.createPermission).allSatisfy { $0.isSigned(under: old) })
        let events = server.takeEvents()
        #expect(events.count { $0 == .accessTokenNeeded(serverName: serverName) } == 2)
        #expect(events.count { if case .permitted = $0 { true } else { false } } == 6)
        server.run(600)
        #expect(server.state != nil, "the old one is still good")
    }

    @Test("B3.6: a token that the server takes no more is told of at once, and the next one saves the allocation")
    func revoked() {
        let new = accessToken(2)
        let server = ScriptedServer.allocated(under: accessToken(1))
        server.gate?.configuration.accessTokens?.removeAll()
        server.run(541)
        #expect(server.takeEvents() == [.accessTokenNeeded(serverName: serverName)])
        server.run(30)
        #expect(server.requests(.refresh).count == 1, "there is nothing to ask with")
        server.register(new)
        server.provide(new)
        server.run(1)
        #expect(server.takeEvents() == [.refreshed(lifetime: .seconds(600))])
    }

    @Test("B3.6: a request that the server got behind the new token, under the old key, is signed anew")
    func overtaken() {
        let (old, new) = (accessToken(1), accessToken(2))
        let server = ScriptedServer.allocated(under: old)
        server.script[.createPermission] = [.silence]
        server.client.permit(peer.ip, at: server.now)
        server.run(0.1)
        server.register(new)
        server.provide(new)
        server.run(2)
        let requests = server.requests(.createPermission)
        #expect(requests.count == 3, "two under the old key, of which the second got a 401")
        #expect(requests.map { $0.isSigned(under: new) } == [false, false, true])
        #expect(server.takeEvents() == [.refreshed(lifetime: .seconds(600)), .permitted(peer.ip)])
    }

    @Test("B3.6: a refresh that nobody answers leaves the old key in use")
    func unanswered() {
        let (old, new) = (accessToken(1, lifetime: 2000), accessToken(2))
        let server = ScriptedServer.allocated(under: old)
        server.register(new)
        server.isSilent = true
        server.provide(new)
        server.run(39)
        server.client.permit(peer.ip, at: server.now)
        #expect(server.requests(.createPermission).isEmpty, "either key may be right")
        server.run(0.6)
        #expect(server.requests(.createPermission).map { $0.isSigned(under: old) } == [true])
        server.isSilent = false
        server.run(20)
        #expect(server.requests(.refresh).last?.accessToken == new.token)
        #expect(server.takeEvents().contains(.permitted(peer.ip)))
    }

    @Test("B3.6: an error that the server signs with the new key says that it has taken the token")
    func provenByError() {
        let new = accessToken(2)
        let server = ScriptedServer.allocated(under: accessToken(1))
        server.script[.refresh] = [.error(500)]
        server.register(new)
        server.provide(new)
        server.client.permit(peer.ip, at: server.now)
        server.run(1)
        #expect(server.requests(.createPermission).map { $0.isSigned(under: new) } == [true])
        server.run(5)
        #expect(server.requests(.refresh).map(\.accessToken) == [new.token, new.token])
        #expect(server.takeEvents().suffix(2) == [.permitted(peer.ip), .refreshed(lifetime: .seconds(600))])
    }

    @Test("B3.6: a token changes nothing about an allocation that a password has made")
    func afterPassword() {
        let server = ScriptedServer.allocated()
        server.provide(accessToken(2))
        server.run(550)
        #expect(server.requests(.refresh).count == 1 && server.requests(.refresh)[0].accessToken == nil)
        #expect(server.takeEvents() == [.refreshed(lifetime: .seconds(600))])
    }

    @Test("B3.6: lifetime 0 gives back under the token, also while a new one is offered")
    func released() {
        let server = ScriptedServer.allocated(under: accessToken(1))
        server.provide(accessToken(2))
        server.client.refresh(lifetime: .zero, at: server.now)
        server.run(40)
        #expect(server.takeEvents().last == .released)
        #expect(server.deadline == nil)
    }
}
