import NetBase
import STUN
import TURNCore
import Testing

@Suite("Connect (RFC 6062)")
struct ConnectTests {
    private func allocated(_ configure: (inout AllocationOptions) -> Void = { _ in }) -> ScriptedServer {
        ScriptedServer.allocated(isReliable: true) {
            $0.relayTransport = .tcp
            configure(&$0)
        }
    }

    private func id(_ number: UInt32) -> ScriptedServer.Answer { .success([STUNMessage.ConnectionID(number)]) }

    @Test("B3.4: an allocation of TCP is asked for by number 6, without what belongs to datagrams")
    func allocate() throws {
        let server = ScriptedServer(isReliable: true) {
            $0.relayTransport = .tcp
            $0.isDontFragment = true
            $0.evenPort = .reservingNext
            $0.reservationToken = 7
        }
        server.allocate()
        server.run(1)
        let requests = server.requests(.allocate)
        #expect(requests.count == 2)
        for request in requests {
            #expect(request[STUNMessage.RequestedTransport.self]?.value == 6)
            #expect(!request.contains(type: STUNMessage.DontFragment.type))
            #expect(!request.contains(type: STUNMessage.EvenPort.type))
            #expect(!request.contains(type: STUNMessage.ReservationToken.type))
        }
        #expect(server.state != nil)
    }

    @Test("B3.4: wishes for datagrams and a relay for TCP exclude each other")
    func conflict() {
        var options = AllocationOptions(username: "user", password: "pass")
        options.relayTransport = .tcp
        #expect(options.conflict == nil)
        options.families = [.v4, .v6]
        #expect(options.conflict == nil)
        let wishes: [(inout AllocationOptions) -> Void] = [
            { $0.isDontFragment = true }, { $0.evenPort = .alone }, { $0.reservationToken = 1 },
        ]
        for wish in wishes {
            var both = options
            wish(&both)
            #expect(both.conflict == .datagramWishWithTCP)
        }
    }

    @Test("B3.4: Connect names the peer, and its success the connection, which waits 30 seconds")
    func success() throws {
        let server = allocated()
        server.script[.connect] = [id(9)]
        server.client.connect(to: peer, at: server.now)
        server.run(1)
        let request = try #require(server.requests(.connect).first)
        #expect(request[STUNMessage.XORPeerAddress.self]?.address == peer)
        #expect(request.contains(type: STUNMessage.MessageIntegrity.type))
        guard case .connected(let connection)? = server.takeEvents().first else {
            Issue.record("not connected")
            return
        }
        #expect(connection.id == 9 && connection.peer == peer)
        #expect(connection.expiry == server.now + .seconds(30) - .seconds(1) + ScriptedServer.roundTrip)
    }

    @Test("B3.4: one Connect for a peer is on its way at a time, those for other peers go beside it")
    func simultaneous() {
        let server = allocated()
        server.script[.connect] = [id(1), id(2)]
        server.client.connect(to: peer, at: server.now)
        server.client.connect(to: peer, at: server.now)
        server.client.connect(to: otherPeer, at: server.now)
        server.run(1)
        #expect(
            server.requests(.connect).compactMap { $0[STUNMessage.XORPeerAddress.self]?.address } == [peer, otherPeer])
        #expect(server.takeEvents().count == 2)
    }

    @Test("B3.4: after 447 a peer is left alone for 10 seconds, and then asked for again")
    func pause() {
        let server = allocated()
        server.script[.connect] = [.error(447), id(3)]
        server.client.connect(to: peer, at: server.now)
        server.run(1)
        #expect(server.takeEvents() == [.connectRefused(peer, .refused(code: 447, reason: "test"))])
        server.run(5)
        server.client.connect(to: peer, at: server.now)
        let pause = Duration.seconds(10) - .seconds(6) + ScriptedServer.roundTrip
        #expect(server.takeEvents() == [.connectRefused(peer, .tooEarly(pause))])
        server.run(4.1)
        server.client.connect(to: peer, at: server.now)
        server.run(1)
        #expect(server.requests(.connect).count == 2)
        guard case .connected? = server.takeEvents().first else {
            Issue.record("not connected")
            return
        }
    }

    @Test("B3.4: other refusals are told, and the peer may be asked for at once", arguments: [400, 403, 446, 500])
    func refused(_ code: Int) {
        let server = allocated()
        server.script[.connect] = [.error(code), id(4)]
        server.client.connect(to: peer, at: server.now)
        server.run(1)
        #expect(server.takeEvents() == [.connectRefused(peer, .refused(code: code, reason: "test"))])
        server.client.connect(to: peer, at: server.now)
        server.run(1)
        #expect(server.requests(.connect).count == 2 && server.takeEvents().count == 1)
    }

    @Test("B3.4: 437 means that the allocation is gone")
    func mismatch() {
        let server = allocated()
        server.script[.connect] = [.error(437)]
        server.client.connect(to: peer, at: server.now)
        server.run(1)
        #expect(server.takeEvents() == [.error(.connect, code: 437, reason: "test"), .lost(.forgotten)])
    }

    @Test("B3.4: a success without a number, and none at all, are failures")
    func unanswered() {
        let server = allocated()
        server.script[.connect] = [.success([]), .silence]
        server.client.connect(to: peer, at: server.now)
        server.client.connect(to: otherPeer, at: server.now)
        server.run(39)
        #expect(server.takeEvents() == [.connectRefused(peer, .unanswered(.malformedResponse))])
        server.run(1)
        #expect(server.takeEvents() == [.connectRefused(otherPeer, .unanswered(.timeout))])
    }

    @Test("B3.4: it takes an allocation, of TCP, with the peer's family")
    func missing() throws {
        let none = ScriptedServer(isReliable: true) { $0.relayTransport = .tcp }
        none.client.connect(to: peer, at: none.now)
        #expect(none.takeEvents() == [.connectRefused(peer, .noAllocation)])
        let datagrams = ScriptedServer.allocated(isReliable: true)
        datagrams.client.connect(to: peer, at: datagrams.now)
        #expect(datagrams.takeEvents() == [.connectRefused(peer, .otherTransport)])
        let server = allocated()
        let peerV6 = try #require(TransportAddress("[2001:db8::9]:7000"))
        server.client.connect(to: peerV6, at: server.now)
        #expect(server.takeEvents() == [.connectRefused(peerV6, .familyMismatch)])
        #expect(server.sent.isEmpty)
    }

    @Test("B3.4: there are no channels and no datagrams in it")
    func noDatagrams() {
        let server = allocated()
        server.client.bind(peer, at: server.now)
        #expect(server.takeEvents() == [.channelRefused(peer, .otherTransport)])
        server.client.permit(peer.ip, at: server.now)
        server.run(1)
        #expect(server.frame([1], to: peer) == nil)
        let data = DataIndication.encode([1].span, from: peer, transactionID: STUNTransactionID(high: 1, low: 2))
        #expect(data.flatMap { server.payload(of: $0, at: server.now) } == nil)
    }

    @Test(
        "B3.4, A6.2: eight Connects are on their way at once, so that refreshes get through while peers do not answer")
    func outstanding() {
        let server = allocated()
        server.script[.connect] = Array(repeating: .silence, count: 20)
        for number in 1...20 {
            let ip = IPAddress(v4: 0xc000_0200 + UInt32(number))
            server.client.connect(to: TransportAddress(ip, port: 80), at: server.now)
        }
        server.run(0)
        #expect(server.sent.count == 8)
        server.client.permit(peer.ip, at: server.now)
        server.client.refresh(at: server.now)
        server.run(1)
        let events = server.takeEvents()
        #expect(events.contains(.permitted(peer.ip)) && events.contains(.refreshed(lifetime: .seconds(600))))
        #expect(server.requests(.connect).count == 8)
        server.run(120)
        #expect(server.requests(.connect).count == 20)
    }

    @Test("What a caller can make grow is bounded, and gone with the allocation")
    func bounded() {
        let server = allocated()
        server.isSilent = true
        for number in 1...1100 {
            let ip = IPAddress(v4: 0x0a00_0000 + UInt32(number))
            server.client.connect(to: TransportAddress(ip, port: 80), at: server.now)
        }
        let refused = server.takeEvents()
        #expect(refused.count == 1100 - 1024 - 8)
        #expect(refused.allSatisfy { if case .connectRefused(_, .tooMany) = $0 { true } else { false } })
        server.forgetSent()
        server.client.linkFailed(at: server.now)
        server.run(100)
        #expect(server.takeEvents() == [.lost(.linkFailed(nil))] && server.sent.isEmpty)
    }
}
