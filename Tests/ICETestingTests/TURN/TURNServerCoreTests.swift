import ICETesting
import NetBase
import STUN
import Testing

@Suite("The TURN server's core, without a network")
struct TURNServerCoreTests {
    private static let start = Instant(nanoseconds: 1_000_000_000)
    private static let tuple = TURNFiveTuple(.udp, client: "192.0.2.2:5000", server: "192.0.2.1:3478")

    private func request(_ core: inout TURNServerCore, _ challenge: STUNMessage?, at now: Instant) {
        var request = STUNMessage(.request, .allocate, transactionID: STUNTransactionID(high: 1, low: 2))
        request.append(STUNMessage.RequestedTransport(17))
        if let realm = challenge?[STUNMessage.Realm.self], let nonce = challenge?[STUNMessage.Nonce.self] {
            request.append(STUNMessage.Username("alice"))
            request.append(realm)
            request.append(nonce)
            request.appendIntegrity(
                IntegrityKey(longTermUsername: "alice", realm: realm.value, password: "secret"))
        }
        core.receive(request.bytes.span, on: Self.tuple, at: now)
    }

    @Test("It opens the relay before it answers, and closes it at its deadline")
    func effects() throws {
        var core = TURNServerCore(
            TURNServerSettings(users: ["alice": "secret"], realm: "example.org"), relayIPs: ["192.0.2.1"],
            generator: SeededGenerator(seed: 1))
        request(&core, nil, at: Self.start)
        guard case .respond(let challenge, Self.tuple)? = core.nextEffect() else {
            Issue.record("no challenge")
            return
        }
        request(&core, challenge, at: Self.start)
        guard case .open(let relayed)? = core.nextEffect(), case .respond(let response, Self.tuple)? = core.nextEffect()
        else {
            Issue.record("no allocation")
            return
        }
        #expect(response.relayed == [relayed])
        let deadline = try #require(core.deadline)
        #expect(deadline == Self.start + .seconds(600))
        core.advance(to: deadline - .nanoseconds(1))
        let early = core.nextEffect()
        #expect(early == nil)
        core.advance(to: deadline)
        guard case .close(relayed)? = core.nextEffect() else {
            Issue.record("the relay stays open")
            return
        }
        #expect(core.deadline == nil)
    }
}
