import NetBase
import STUN
import TURNCore
import Testing

@Suite("Allocate")
struct AllocateTests {
    /// The first Allocate request that a client with these options sends.
    private func firstRequest(_ configure: (inout AllocationOptions) -> Void = { _ in }) throws -> STUNMessage {
        let server = ScriptedServer(configure)
        server.allocate()
        server.run(0)
        return try #require(server.requests(.allocate).first)
    }

    @Test(
        "B1.1, A5.1: a bare Allocate is challenged, and the signed one, under another ID, allocates without an event between"
    )
    func allocate() throws {
        let server = ScriptedServer()
        #expect(server.allocate())
        server.run(1)
        let requests = server.requests(.allocate)
        #expect(requests.map { $0.contains(type: STUNMessage.MessageIntegrity.type) } == [false, true])
        #expect(Set(requests.map(\.transactionID)).count == 2)
        let state = try #require(server.state)
        #expect(server.takeEvents() == [.allocated(state)])
        #expect(!server.allocate(), "there is one already")
    }

    @Test("B1.2: every Allocate asks for UDP, Allocate and Refresh tell the software, and all carry a fingerprint")
    func basics() throws {
        let server = ScriptedServer { $0.software = "test 1" }
        server.allocate()
        server.run(1)
        server.client.refresh(at: server.now)
        server.run(1)
        #expect(server.requests(.allocate).allSatisfy { $0[STUNMessage.RequestedTransport.self]?.value == 17 })
        #expect(server.sent.allSatisfy { $0.message[STUNMessage.Software.self]?.value == "test 1" })
        #expect(server.sent.count == 3)
        #expect(server.sent.allSatisfy { $0.message.fingerprint == .valid })
    }

    @Test("B1.2: the lifetime that is asked for is the option's")
    func lifetimeAsked() throws {
        let usual = try firstRequest()
        #expect(usual[STUNMessage.Lifetime.self]?.value == 600)
        let longer = try firstRequest { $0.lifetime = .seconds(1800) }
        #expect(longer[STUNMessage.Lifetime.self]?.value == 1800)
    }

    /// What of families, token and port goes into a request.
    struct Wish: CustomTestStringConvertible {
        let families: Set<IPAddress.Family>
        let evenPort: AllocationOptions.EvenPort?
        let token: UInt64?
        let types: [UInt16]
        let conflict: AllocationOptions.Conflict?
        var testDescription: String { "\(families.count) families, \(String(describing: evenPort)), \(token ?? 0)" }
    }

    private static let requested = STUNMessage.RequestedAddressFamily.type
    private static let additional = STUNMessage.AdditionalAddressFamily.type
    private static let even = STUNMessage.EvenPort.type
    private static let token = STUNMessage.ReservationToken.type

    @Test(
        "B1.3: family, port and token never meet in a request where they may not",
        arguments: [
            Wish(families: [.v4], evenPort: nil, token: nil, types: [], conflict: nil),
            Wish(families: [.v6], evenPort: nil, token: nil, types: [requested], conflict: nil),
            Wish(families: [.v4, .v6], evenPort: nil, token: nil, types: [additional], conflict: nil),
            Wish(families: [.v6], evenPort: .reservingNext, token: nil, types: [requested, even], conflict: nil),
            Wish(families: [.v4, .v6], evenPort: .alone, token: nil, types: [additional, even], conflict: nil),
            Wish(
                families: [.v4, .v6], evenPort: .reservingNext, token: nil, types: [additional, even],
                conflict: .familiesWithReservation),
            Wish(families: [.v6], evenPort: nil, token: 7, types: [token], conflict: nil),
            Wish(families: [.v4, .v6], evenPort: nil, token: 7, types: [token], conflict: .familiesWithToken),
            Wish(families: [.v4], evenPort: .alone, token: 7, types: [token], conflict: .evenPortWithToken),
        ])
    func combinations(_ wish: Wish) throws {
        func configure(_ options: inout AllocationOptions) {
            options.families = wish.families
            options.evenPort = wish.evenPort
            options.reservationToken = wish.token
        }
        let request = try firstRequest(configure)
        let all = [Self.requested, Self.additional, Self.even, Self.token]
        #expect(all.filter { request.contains(type: $0) } == wish.types)
        if wish.types.contains(Self.requested) {
            #expect(request[STUNMessage.RequestedAddressFamily.self]?.family == .v6)
        }
        if wish.types.contains(Self.additional) {
            #expect(request[STUNMessage.AdditionalAddressFamily.self]?.family == .v6)
            #expect(request[STUNMessage.EvenPort.self]?.reservesNextPort != true)
        }
        var options = AllocationOptions(username: "", password: "")
        configure(&options)
        #expect(options.conflict == wish.conflict)
    }

    @Test("B1.4: relayed and reflexive addresses, token and the returned lifetime are taken")
    func success() throws {
        let server = ScriptedServer { $0.families = [.v4, .v6] }
        server.lifetime = 300
        server.relays = [relayV6, relayV4]
        server.script[.allocate] = [.success(server.grants + [STUNMessage.ReservationToken(99)])]
        server.allocate()
        server.run(1)
        let state = try #require(server.state)
        #expect(state.relayedAddresses == [relayV4, relayV6])
        #expect(state.reflexiveAddress == reflexive)
        #expect(state.lifetime == .seconds(300))
        #expect(state.reservationToken == 99)
        // Counted from the signed request, which went out after one round trip.
        #expect(state.expiry == second(300.02))
        let refresh = try #require(state.nextRefresh)
        #expect(refresh >= second(180.02) && refresh <= second(240.02))
    }

    @Test("B1.5: an address of a family that was not asked for is given back, and that server is not asked again")
    func unwantedFamily() {
        let server = ScriptedServer()
        server.relays = [relayV6]
        server.allocate()
        server.run(1)
        #expect(server.takeEvents() == [.failed(.init(cause: .unwantedFamily, retry: .never))])
        #expect(server.requests(.refresh).map { $0[STUNMessage.Lifetime.self]?.value } == [0])
        #expect(!server.allocate())
        server.run(1000)
        #expect(server.takeEvents().isEmpty && server.deadline == nil)
    }

    @Test("B1.5: it is given back before that is told, as whoever hears of it may close the way")
    func order() throws {
        var client = AllocationClient(
            AllocationOptions(username: "", password: ""), generator: SeededGenerator(seed: 1), isReliable: true)
        client.allocate(at: second(0))
        guard case .send(let bytes) = client.nextEffect() else {
            Issue.record("no request")
            return
        }
        let request = try STUNMessage(parsing: bytes.span)
        var response = STUNMessage(.success, .allocate, transactionID: request.transactionID)
        response.append(STUNMessage.XORRelayedAddress(relayV6))
        client.receive(response, at: second(1))
        guard case .send(let release) = client.nextEffect(), case .event(.failed) = client.nextEffect() else {
            Issue.record("not in this order")
            return
        }
        let refresh = try STUNMessage(parsing: release.span)
        #expect(refresh.method == .refresh && refresh[STUNMessage.Lifetime.self]?.value == 0)
    }

    @Test("B1.5: a success without an address or with lifetime 0 is given back too", arguments: [true, false])
    func malformed(_ hasAddress: Bool) {
        let server = ScriptedServer()
        if hasAddress { server.lifetime = 0 } else { server.relays = [] }
        server.allocate()
        server.run(1)
        #expect(server.takeEvents() == [.failed(.init(cause: .malformedResponse, retry: .never))])
        #expect(server.requests(.refresh).count == 1)
    }

    @Test(
        "B1.6: one family of two is kept, and the rule for the other is told",
        arguments: [(440, RetryRule.never), (508, .after(.seconds(60)))])
    func partial(_ code: Int, _ retry: RetryRule) throws {
        let server = ScriptedServer { $0.families = [.v4, .v6] }
        let error = STUNMessage.AddressErrorCode(family: .v6, code: code, reason: "test")
        server.script[.allocate] = [.success(server.grants + [error])]
        server.allocate()
        server.run(1)
        let state = try #require(server.state)
        #expect(state.relayedAddresses == [relayV4])
        #expect(state.refusedFamily == RefusedFamily(family: .v6, code: code, reason: "test"))
        #expect(state.refusedFamily?.retry == retry)
    }

    @Test("B1.7: the reserved port is taken in whatever family it is")
    func reserved() throws {
        let server = ScriptedServer { $0.reservationToken = 99 }
        server.relays = [relayV6]
        server.allocate()
        server.run(1)
        #expect(server.state?.relayedAddresses == [relayV6])
        #expect(server.requests(.allocate).last?[STUNMessage.ReservationToken.self]?.value == 99)
    }

    @Test("B1.8: a server that does not know DONT-FRAGMENT is asked without, and Send indications go without")
    func dontFragment() throws {
        let server = ScriptedServer { $0.isDontFragment = true }
        let type = STUNMessage.DontFragment.type
        server.script[.allocate] = [.error(420, [STUNMessage.UnknownAttributes([type])])]
        server.allocate()
        server.run(1)
        #expect(server.requests(.allocate).map { $0.contains(type: type) } == [true, true, false])
        #expect(server.takeEvents().count == 1)
        server.client.permit(peer.ip, at: server.now)
        let bytes = try #require(server.frame([1], to: peer))
        let message = try STUNMessage(parsing: bytes.span)
        #expect(!message.contains(type: type))
    }

    @Test("B1.8: a server that knows it gets it in Send indications too")
    func dontFragmentKept() throws {
        let server = ScriptedServer.allocated { $0.isDontFragment = true }
        server.client.permit(peer.ip, at: server.now)
        let bytes = try #require(server.frame([1], to: peer))
        let message = try STUNMessage(parsing: bytes.span)
        #expect(message.contains(type: STUNMessage.DontFragment.type))
    }

    @Test("B1.9: who lost the race of the families gives back what it got, or what it may have got")
    func abandon() {
        let early = ScriptedServer()
        early.client.allocate(at: early.now)
        early.run(0.03)
        early.client.refresh(lifetime: .zero, at: early.now)
        early.run(100)
        #expect(early.takeEvents() == [.released])
        #expect(early.requests(.refresh).count == 1)
        let late = ScriptedServer.allocated()
        late.client.refresh(lifetime: .zero, at: late.now)
        late.run(100)
        #expect(late.takeEvents() == [.released])
        #expect(late.state == nil && late.deadline == nil)
    }

    @Test("A server without credentials is served without them")
    func open() {
        let server = ScriptedServer(authenticates: false)
        server.allocate()
        server.run(1)
        #expect(server.state != nil && server.sent.count == 1)
    }
}
