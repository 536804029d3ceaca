import NetBase
import STUN
import Testing

@testable import TURNCore

@Suite("B3.5: an allocation that follows its client")
struct MobilityTests {
    private let ticket: [any STUNAttribute] = [
        STUNMessage.XORRelayedAddress(relayV4), STUNMessage.XORMappedAddress(reflexive), STUNMessage.Lifetime(600),
        STUNMessage.MobilityTicket([1, 2, 3]),
    ]

    private func allocated() -> ScriptedServer {
        let server = ScriptedServer { $0.wantsMobility = true }
        server.script[.allocate] = [.success(ticket)]
        server.allocate()
        server.run(1)
        _ = server.takeEvents()
        return server
    }

    @Test("B3.5: an empty ticket asks for one, and is left out where it is not wanted")
    func asking() {
        #expect(allocated().requests(.allocate).allSatisfy { $0[STUNMessage.MobilityTicket.self]?.value == [] })
        let plain = ScriptedServer.allocated()
        #expect(!plain.requests(.allocate).contains { $0[STUNMessage.MobilityTicket.self] != nil })
    }

    @Test("B3.5: a 405 is answered without the wish, and without an event")
    func forbidden() {
        let server = ScriptedServer { $0.wantsMobility = true }
        server.script[.allocate] = [.error(405)]
        server.allocate()
        server.run(1)
        #expect(server.state != nil)
        #expect(server.requests(.allocate).last?[STUNMessage.MobilityTicket.self] == nil)
        #expect(server.takeEvents().count == 1)
    }

    @Test("B3.5: the ticket is shown only when the server does not know the address, and the new one takes its place")
    func moving() {
        let server = allocated()
        server.run(541)
        #expect(server.requests(.refresh).count == 1)
        #expect(server.requests(.refresh)[0][STUNMessage.MobilityTicket.self] == nil)
        for round in 1...2 {
            server.script[.refresh] = [
                .error(437), .success([STUNMessage.Lifetime(600), STUNMessage.MobilityTicket([9, UInt8(round)])]),
            ]
            server.client.refresh(at: server.now)
            server.run(1)
            let shown = server.requests(.refresh).last?[STUNMessage.MobilityTicket.self]?.value
            #expect(shown == (round == 1 ? [1, 2, 3] : [9, 1]))
        }
        #expect(server.state?.relayedAddresses == [relayV4])
        #expect(server.takeEvents().allSatisfy { $0 == .refreshed(lifetime: .seconds(600)) })
    }

    @Test("B3.5: no data and no other request goes out before the server has taken the ticket")
    func quiet() {
        let server = allocated()
        server.client.permit(peer.ip, at: server.now)
        server.run(1)
        server.script[.refresh] = [.error(437), .silence]
        server.client.refresh(at: server.now)
        server.run(0.1)
        let isMoving = server.client.isMoving
        #expect(isMoving)
        server.client.permit(otherPeer.ip, at: server.now)
        server.run(0.1)
        #expect(server.requests(.createPermission).count == 1)
    }

    @Test("B3.5: a ticket that is refused is the end of the allocation", arguments: [400, 405, 437, 441])
    func refused(_ code: Int) {
        let server = allocated()
        server.script[.refresh] = [.error(437), .error(code)]
        server.client.refresh(at: server.now)
        server.run(1)
        #expect(server.state == nil)
        #expect(server.takeEvents().last == .lost(.forgotten))
    }

    @Test(
        "B3.5: a server that takes the ticket and knows no permission all the same is given up",
        arguments: [true, false])
    func unfaithful(_ takes: Bool) {
        let server = allocated()
        let taken = ScriptedServer.Answer.success([STUNMessage.Lifetime(600), STUNMessage.MobilityTicket([4])])
        server.script[.refresh] = Array(repeating: taken, count: 10)
        server.script[.createPermission] = Array(repeating: .error(437), count: takes ? 10 : 1)
        server.client.permit(peer.ip, at: server.now)
        server.run(10)
        #expect((server.state == nil) == takes)
        #expect(server.requests(.createPermission).count <= 4)
    }

    @Test("B3.5: nor does it go on for ever with a server that refuses what is refreshed by itself")
    func unfaithfulLater() {
        let server = allocated()
        server.client.permit(peer.ip, at: server.now)
        server.run(1)
        let taken = ScriptedServer.Answer.success([STUNMessage.Lifetime(600), STUNMessage.MobilityTicket([4])])
        server.script[.refresh] = Array(repeating: taken, count: 1000)
        server.script[.createPermission] = Array(repeating: .error(437), count: 1000)
        server.run(400)
        #expect(server.state == nil)
        #expect(server.requests(.createPermission).count <= 5)
    }

    @Test(
        "B3.5: a 437 that is not signed has the ticket shown, and is no reason to give anything up",
        arguments: [true, false])
    func unsigned(hasTicket: Bool) throws {
        let server = hasTicket ? allocated() : ScriptedServer.allocated()
        server.script[.refresh] = [.silence, .success([STUNMessage.Lifetime(600), STUNMessage.MobilityTicket([4])])]
        server.client.refresh(at: server.now)
        server.run(0.01)
        let request = try #require(server.requests(.refresh).last)
        let refusal = STUNMessage.errorResponse(to: request, STUNMessage.ErrorCode(code: 437, reason: "who?"))
        server.client.receive(refusal, at: server.now)
        server.run(0.1)
        let shown = server.requests(.refresh).last?[STUNMessage.MobilityTicket.self]?.value
        #expect(shown == (hasTicket ? [1, 2, 3] : nil))
        #expect(server.state != nil)
        server.run(2)
        #expect(server.takeEvents().allSatisfy { $0 == .refreshed(lifetime: .seconds(600)) })
    }

    @Test(
        "B3.5: a client whose address is gone asks nothing until there is another, then shows the ticket and asks the rest again"
    )
    func leaving() {
        let server = allocated()
        server.script[.createPermission] = [.silence]
        server.client.permit(peer.ip, at: server.now)
        server.run(0.1)
        server.client.leave(at: server.now)
        let count = server.sent.count
        server.client.permit(otherPeer.ip, at: server.now)
        server.run(5)
        #expect(server.sent.count == count)
        server.client.arrive(at: server.now)
        server.run(1)
        let asked = server.sent[count...].map(\.message)
        #expect(asked.first?[STUNMessage.MobilityTicket.self]?.value == [1, 2, 3])
        #expect(Set(asked.flatMap(peers)) == [peer.ip, otherPeer.ip])
        #expect(server.state?.permissions.count == 2)
        #expect(!isMoving(server))
    }

    @Test("B3.5: an allocation without a way to its server is lost after ten seconds")
    func gone() {
        let server = allocated()
        server.client.leave(at: server.now)
        server.run(9.9)
        #expect(server.state != nil)
        server.run(0.2)
        #expect(server.state == nil && server.takeEvents() == [.lost(.linkFailed(nil))])
    }

    @Test(
        "B3.5: a ticket that is shown because of an unsigned word, and refused or not answered, ends nothing",
        arguments: [400, nil])
    func forged(_ code: Int?) throws {
        let server = allocated()
        server.script[.refresh] = [.silence] + (code.map { [.error($0)] } ?? Array(repeating: .silence, count: 9))
        server.client.refresh(at: server.now)
        server.run(0.01)
        let request = try #require(server.requests(.refresh).last)
        let forgery = STUNMessage.errorResponse(to: request, STUNMessage.ErrorCode(code: 437, reason: "who?"))
        server.client.receive(forgery, at: server.now)
        server.run(100)
        #expect(server.state != nil)
        #expect(!server.takeEvents().contains(.lost(.forgotten)))
    }

    @Test("B3.5: a ticket is never taken on an unsigned word (RFC 8016 §5)")
    func unsignedTicket() throws {
        let server = allocated()
        server.script[.refresh] = [.silence]
        server.client.leave(at: server.now)
        server.client.arrive(at: server.now)
        server.run(0.01)
        let request = try #require(server.requests(.refresh).last)
        var forgery = STUNMessage(.success, .refresh, transactionID: request.transactionID)
        forgery.append(STUNMessage.Lifetime(.max))
        forgery.append(STUNMessage.MobilityTicket([6, 6, 6]))
        server.client.receive(forgery, at: server.now)
        #expect(isMoving(server))
        server.run(2)
        #expect(!isMoving(server) && server.state?.lifetime == .seconds(600))
    }

    @Test("B3.5: what is given back under way is given back with its ticket")
    func released() {
        let server = allocated()
        server.script[.refresh] = [.silence]
        server.client.leave(at: server.now)
        server.client.arrive(at: server.now)
        server.client.refresh(lifetime: .zero, at: server.now)
        server.run(1)
        let last = server.requests(.refresh).last
        #expect(last?[STUNMessage.MobilityTicket.self]?.value == [1, 2, 3])
        #expect(last?.lifetime == .zero)
    }

    private func isMoving(_ server: ScriptedServer) -> Bool { server.client.isMoving }
    private func withholdsData(_ server: ScriptedServer) -> Bool { server.client.withholdsData }

    private func peers(of request: STUNMessage) -> [IPAddress] {
        request[STUNMessage.XORPeerAddress.self].map { [$0.address.ip] } ?? []
    }

    @Test(
        "B3.5: what the server relays to the new address says as much as its answer, and a lost first word is repeated")
    func reached() {
        let server = allocated()
        server.client.leave(at: server.now)
        server.client.noteData()
        #expect(withholdsData(server))
        server.script[.refresh] = [.silence, .silence]
        server.client.arrive(at: server.now)
        server.run(0.1)
        #expect(withholdsData(server) && server.requests(.refresh).count == 1)
        server.client.repeatMove()
        server.run(0.01)
        #expect(server.requests(.refresh).count == 2)
        server.client.noteData()
        #expect(!withholdsData(server) && isMoving(server))
        server.run(1)
        #expect(!isMoving(server) && server.state != nil)
    }
}
