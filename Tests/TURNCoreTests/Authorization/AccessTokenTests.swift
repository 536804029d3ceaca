import NetBase
import STUN
import Testing

@testable import TURNCore

@Suite("B3.6: an allocation by an access token")
struct AccessTokenTests {
    @Test("B3.6: a token goes before a password, in Allocate and Refresh alone; its key signs all requests as it is")
    func challenge() throws {
        let token = accessToken(1, keyID: "key of the day")
        let server = ScriptedServer.withTokens(token, password: true)
        server.provide(token)
        server.allocate()
        server.client.permit(peer.ip, at: server.now)
        server.client.bind(otherPeer, at: server.now)
        server.run(600)
        #expect(server.requests(.allocate).count == 2)
        let first = server.requests(.allocate)[0]
        #expect(first.accessToken == nil && first[STUNMessage.Username.self] == nil)
        let signed = Array(server.sent.map(\.message).dropFirst())
        #expect(Set(signed.map(\.method)) == [.allocate, .refresh, .createPermission, .channelBind])
        for request in signed {
            #expect(request.accessToken == (request.method.carriesToken ? token.token : nil))
            #expect(request.isSigned(under: token))
            #expect(request[STUNMessage.Username.self]?.value == "key of the day")
            #expect(request[STUNMessage.Realm.self]?.value == "example.org")
            #expect(request[STUNMessage.Nonce.self] != nil)
        }
        let events = server.takeEvents()
        #expect(
            events.contains(.permitted(peer.ip)) && !events.contains { if case .error = $0 { true } else { false } })
    }

    @Test("B3.6: a server without the attribute is shown the password; where there is none, the failure says so")
    func notOffered() {
        for password in [true, false] {
            let server = ScriptedServer.withTokens(password: password)
            server.gate?.configuration.accessTokens = nil
            server.provide(accessToken(1))
            server.allocate()
            server.run(1)
            #expect((server.state != nil) == password)
            #expect(server.sent.allSatisfy { $0.message.accessToken == nil })
            if !password {
                #expect(server.takeEvents() == [failed(.notOffered)])
            }
        }
    }

    @Test("B3.6: without a token and without anybody to ask, the password is used, or the failure names the server")
    func missing() {
        for password in [true, false] {
            let server = ScriptedServer.withTokens(password: password)
            server.allocate()
            server.run(1)
            #expect((server.state != nil) == password)
            if !password {
                #expect(server.takeEvents() == [failed(.missing(serverName: serverName))])
            }
        }
    }

    @Test("B3.6: the application is asked by the server's name, and the request is made anew with its token")
    func asked() {
        let token = accessToken(1)
        let server = ScriptedServer.withTokens(token, password: true, asking: true)
        server.allocate()
        server.run(20)
        #expect(server.takeEvents() == [.accessTokenNeeded(serverName: serverName)])
        #expect(server.requests(.allocate).count == 1)
        server.provide(token)
        server.run(1)
        #expect(server.state != nil)
        #expect(server.requests(.allocate).last?.accessToken == token.token)
    }

    @Test(
        "B3.6: an application that has no token, or is silent for 30 s, gets on with the password, or hears of a failure",
        arguments: [true, false], [true, false])
    func declined(password: Bool, answers: Bool) {
        let server = ScriptedServer.withTokens(password: password, asking: true)
        server.allocate()
        server.run(1)
        if answers { server.provide(nil) } else { server.run(28.9) }
        #expect(server.state == nil)
        server.run(1)
        #expect((server.state != nil) == password)
        let failure = server.takeEvents().last
        if !password { #expect(failure == failed(.missing(serverName: serverName))) }
        #expect(password || server.deadline == nil)
    }

    @Test("B3.6: a token that the server does not take leads to the password, or to a failure that says so")
    func rejected() {
        for password in [true, false] {
            let server = ScriptedServer.withTokens(password: password)
            server.provide(accessToken(9))
            server.allocate()
            server.run(1)
            let events = server.takeEvents()
            #expect(events == [password ? .portRejected : failed(.rejected(serverName: serverName))])
            server.allocate()
            server.run(1)
            #expect((server.state != nil) == password)
            #expect(server.requests(.allocate).map { $0.accessToken != nil }.count { $0 } == 1)
        }
    }

    @Test("B3.6: for a token that the server does not take others are asked for, but not for ever")
    func bounded() {
        let server = ScriptedServer.withTokens(asking: true)
        server.provide(accessToken(9))
        server.allocate()
        var questions = 0
        for number in 10...20 {
            server.run(1)
            if server.takeQuestions() > 0 {
                questions += 1
                server.provide(accessToken(UInt8(number)))
                #expect(server.takeEvents() == [.portRejected])
                server.allocate()
            }
        }
        #expect(questions == 2)
        #expect(server.requests(.allocate).compactMap { $0.accessToken?.first } == [9, 10, 11])
        #expect(server.state == nil && server.deadline == nil)
    }

    @Test("B3.6: a stale nonce is answered with the same token, without an event")
    func staleNonce() {
        let token = accessToken(1, lifetime: 4000)
        let server = ScriptedServer.withTokens(token, nonceLifetime: 100)
        server.provide(token)
        server.allocate()
        server.run(600)
        #expect(server.requests(.refresh).map(\.accessToken) == [token.token, token.token])
        let events = server.takeEvents()
        #expect(events.count == 2 && events.last == .refreshed(lifetime: .seconds(600)))
    }

    @Test("B3.6: after a port that the server remembers, the token is offered from the next one")
    func portRejected() {
        let token = accessToken(1)
        let server = ScriptedServer.withTokens(token)
        server.script[.allocate] = [.error(437)]
        server.provide(token)
        server.allocate()
        server.run(1)
        #expect(server.takeEvents() == [.portRejected])
        server.allocate()
        server.run(1)
        #expect(server.state != nil)
        #expect(server.requests(.allocate).map { $0.accessToken != nil } == [false, true, false, true])
    }

    private func failed(_ refusal: AccessTokenRefusal) -> AllocationEvent {
        .failed(AllocationFailure(cause: .accessToken(refusal), retry: .never))
    }
}
