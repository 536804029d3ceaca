import ICE
import NetBase
import STUN
import Testing

@Suite("STUNClient with long-term credentials")
struct STUNClientLongTermTests {
    /// Answers as a server does whose only user is `user` with the password `pass`.
    private func serve(_ fixture: STUNClientFixture) {
        var generator = SystemRandomNumberGenerator()
        var gate = LongTermGatekeeper(.init(realm: "example.org", users: ["user": "pass"]), using: &generator)
        fixture.answer { request in
            switch gate.judge(request, from: publicAddress, at: Instant(nanoseconds: 0)) {
            case .reply(let response, _): return response
            case .accepted(let pass):
                var response = STUNMessage.bindingResponse(to: request, from: publicAddress)
                gate.seal(&response, pass, for: request)
                return response
            }
        }
    }

    @Test("A5.1: the challenge is answered without an event")
    func challenge() throws {
        let fixture = try STUNClientFixture { $0.authentication = .longTerm(username: "user", password: "pass") }
        serve(fixture)
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [.response(publicAddress, .milliseconds(20))])
        #expect(fixture.sentTimes == [0, 20])
    }

    @Test("A5.1: a wrong password is told once")
    func wrongPassword() throws {
        let fixture = try STUNClientFixture { $0.authentication = .longTerm(username: "user", password: "wrong") }
        serve(fixture)
        fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [.responseError(401, "Unauthenticated")])
        #expect(fixture.sent.count == 2)
    }

    @Test("A5.8: an unsigned 400 is told in the timeout's place")
    func unsigned400() throws {
        let fixture = try STUNClientFixture { $0.authentication = .longTerm(username: "user", password: "pass") }
        fixture.answer { request in
            let isBare = !request.contains(type: STUNMessage.Realm.type)
            var response = STUNMessage.errorResponse(to: request, isBare ? .unauthenticated : .badRequest)
            if isBare {
                response.append(STUNMessage.Realm("example.org"))
                response.append(STUNMessage.Nonce("abc"))
            }
            return response
        }
        let id = fixture.client.sendRequest()
        fixture.platform.run()
        #expect(fixture.events == [.error(.unauthenticatedError, id)])
        #expect(fixture.eventTimes == [39520])
        #expect(fixture.sent.count == 8)
    }
}
