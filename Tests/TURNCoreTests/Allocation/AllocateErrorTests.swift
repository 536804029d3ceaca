import NetBase
import STUN
import TURNCore
import Testing

@Suite("Errors of Allocate")
struct AllocateErrorTests {
    private func refusal(_ code: Int, _ retry: RetryRule) -> [AllocationEvent] {
        [
            .error(.allocate, code: code, reason: "test"),
            .failed(.init(cause: .refused(code: code, reason: "test"), retry: retry)),
        ]
    }

    @Test("B1.10: 300 tells the other servers and the name to verify")
    func redirect() {
        let server = ScriptedServer()
        let others = ["192.0.2.77:3479", "[2001:db8::77]:3479"].compactMap { TransportAddress($0) }
        let attributes: [any STUNAttribute] =
            others.map { STUNMessage.AlternateServer($0) } + [STUNMessage.AlternateDomain("turn.example.net")]
        server.script[.allocate] = [.error(300, attributes)]
        server.allocate()
        server.run(1)
        #expect(server.takeEvents() == [.redirected(to: others, domain: "turn.example.net")])
        #expect(server.deadline == nil)
    }

    @Test("B1.10, A6.6: an unsigned 300 to a signed request is not believed")
    func forgedRedirect() {
        let server = ScriptedServer()
        server.allocate()
        server.run(0.03)
        var forged = STUNMessage(.failure, .allocate, transactionID: server.requests(.allocate)[1].transactionID)
        forged.append(STUNMessage.ErrorCode.tryAlternate)
        forged.append(STUNMessage.AlternateServer(peer))
        server.client.receive(forged, at: server.now)
        server.run(1)
        #expect(server.state != nil && server.takeEvents().count == 1)
    }

    @Test("B1.10: 300 without a server is a refusal")
    func emptyRedirect() {
        let server = ScriptedServer()
        server.script[.allocate] = [.error(300)]
        server.allocate()
        server.run(1)
        #expect(server.takeEvents() == refusal(300, .never))
    }

    @Test("B1.10: these are not retried, ever", arguments: [400, 403, 420, 440, 441, 442, 443, 499])
    func never(_ code: Int) {
        let server = ScriptedServer()
        server.script[.allocate] = [.error(code)]
        server.allocate()
        server.run(10_000)
        #expect(server.takeEvents() == refusal(code, .never))
        #expect(server.sent.count == 2)
        #expect(!server.allocate())
    }

    @Test("B1.10: a wrong password ends with one 401 after one try")
    func wrongPassword() {
        let server = ScriptedServer(password: "wrong")
        server.allocate()
        server.run(10_000)
        let cause = AllocationFailure.Cause.unauthorized(.credentialsRejected)
        #expect(
            server.takeEvents() == [
                .error(.allocate, code: 401, reason: "Unauthenticated"), .failed(.init(cause: cause, retry: .never)),
            ])
        #expect(server.sent.count == 2)
    }

    @Test(
        "B1.10: 486 is not retried within a minute, nor are 508 and other troubles of the server's",
        arguments: [486, 508, 500])
    func capacity(_ code: Int) {
        let server = ScriptedServer()
        server.script[.allocate] = [.error(code)]
        server.allocate()
        server.run(1)
        #expect(server.takeEvents() == refusal(code, .after(.seconds(60))))
        server.run(58)
        #expect(!server.allocate())
        server.run(2)
        #expect(server.allocate())
        server.run(1)
        #expect(server.state != nil)
    }

    @Test("B1.10: 508 to a wish for a port may be retried at once without the wish", arguments: [true, false])
    func portDemand(_ isToken: Bool) {
        let server = ScriptedServer {
            if isToken { $0.reservationToken = 9 } else { $0.evenPort = .reservingNext }
        }
        server.script[.allocate] = [.error(508), .error(508)]
        server.allocate()
        server.run(1)
        #expect(server.takeEvents() == refusal(508, .withoutPortDemands))
        #expect(server.allocate())
        server.run(1)
        let last = server.requests(.allocate).last
        #expect(last?.contains(type: STUNMessage.EvenPort.type) == false)
        #expect(last?.contains(type: STUNMessage.ReservationToken.type) == false)
        #expect(server.takeEvents() == refusal(508, .after(.seconds(60))))
    }

    @Test("B1.10: 437 asks for a new port three times in all, then rests for two minutes")
    func mismatch() {
        let server = ScriptedServer()
        server.script[.allocate] = Array(repeating: .error(437), count: 3)
        for _ in 0..<2 {
            server.allocate()
            server.run(1)
            #expect(server.takeEvents() == [.portRejected])
        }
        server.allocate()
        server.run(1)
        #expect(server.takeEvents() == refusal(437, .after(.seconds(120))))
        #expect(Set(server.requests(.allocate).map(\.transactionID)).count == 6)
        #expect(
            server.requests(.allocate)[2].contains(type: STUNMessage.Nonce.type) == false, "a new source, a new nonce")
        server.run(118)
        #expect(!server.allocate())
        server.run(2)
        #expect(server.allocate())
    }

    @Test("B1.10: 438 is answered with the new nonce, without an event")
    func staleNonce() {
        let server = ScriptedServer(nonceLifetime: 0)
        var generator = SeededGenerator(seed: 9)
        server.allocate()
        server.run(0.03)
        server.gate?.revokeNonces(using: &generator)
        server.gate?.configuration.nonceLifetime = .seconds(60)
        server.run(1)
        #expect(server.takeEvents().count == 1 && server.state != nil)
    }

    @Test("B1.10, A5.3: a server whose nonces are all stale is given up, after few requests")
    func staleForEver() {
        let server = ScriptedServer(nonceLifetime: 0)
        server.allocate()
        server.run(1000)
        #expect(
            server.takeEvents().last
                == .failed(.init(cause: .unauthorized(.tooManyRetries), retry: .never)))
        #expect(server.sent.count == 6)
    }

    @Test("B1.10: 408 may be retried over another transport only")
    func otherTransport() {
        let server = ScriptedServer()
        server.script[.allocate] = [.error(408)]
        server.allocate()
        server.run(1)
        #expect(server.takeEvents() == refusal(408, .overAnotherTransport))
    }

    @Test(
        "A6.1: a silent server is asked seven times over UDP and fails at 39500 ms; over TCP it is asked once",
        arguments: [false, true])
    func silence(_ isReliable: Bool) {
        let server = ScriptedServer(isReliable: isReliable)
        server.isSilent = true
        server.allocate()
        server.run(39.4)
        #expect(server.takeEvents().isEmpty)
        server.run(0.2)
        let cause = AllocationFailure.Cause.unanswered(.timeout, unauthenticated: nil)
        #expect(server.takeEvents() == [.failed(.init(cause: cause, retry: .anyTime))])
        #expect(server.sent.count == (isReliable ? 1 : 7))
        #expect(server.deadline == nil)
    }

    @Test("A5.8: an unsigned 400 to a signed request explains the timeout")
    func unsigned400() {
        let server = ScriptedServer()
        server.script[.allocate] = Array(repeating: .silence, count: 7)
        server.allocate()
        server.run(0.03)
        var forged = STUNMessage(.failure, .allocate, transactionID: server.requests(.allocate)[1].transactionID)
        forged.append(STUNMessage.ErrorCode.badRequest)
        server.client.receive(forged, at: server.now)
        server.run(100)
        let cause = AllocationFailure.Cause.unanswered(.timeout, unauthenticated: .badRequest)
        #expect(server.takeEvents() == [.failed(.init(cause: cause, retry: .anyTime))])
    }

    @Test("A broken link fails what is being asked for")
    func link() {
        let server = ScriptedServer()
        server.allocate()
        server.client.linkFailed(at: server.now)
        #expect(server.takeEvents() == [.failed(.init(cause: .linkFailed(nil), retry: .anyTime))])
        #expect(server.deadline == nil && server.allocate())
    }
}
