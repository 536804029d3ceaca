import NetBase
import STUN
import TURNCore
import Testing

@Suite("ConnectionAttempt (RFC 6062)")
struct ConnectionAttemptTests {
    private let server = ScriptedServer.allocated(isReliable: true) { $0.relayTransport = .tcp }

    /// What the server sends when a peer has connected.
    private func attempt(_ id: UInt32?, from peer: TransportAddress? = peer) {
        var message = STUNMessage(
            .indication, .connectionAttempt, transactionID: STUNTransactionID(high: 7, low: UInt64(id ?? 0)))
        if let peer { message.append(STUNMessage.XORPeerAddress(peer)) }
        if let id { message.append(STUNMessage.ConnectionID(id)) }
        server.client.receive(message, at: server.now)
    }

    private func permit() {
        server.client.permit(peer.ip, at: server.now)
        server.run(1)
        _ = server.takeEvents()
    }

    /// The connections that were told of since the last look.
    private func attempts() -> [PeerConnection] {
        server.takeEvents().compactMap { if case .attempted(let connection) = $0 { connection } else { nil } }
    }

    @Test("B3.4: a peer that has a permission, or is to have one, is told with the connection's number")
    func permitted() throws {
        server.client.permit(peer.ip, at: server.now)
        attempt(1)
        server.run(1)
        attempt(2, from: TransportAddress(peer.ip, port: 9))
        let told = attempts()
        #expect(told.map(\.id) == [1, 2] && told.map(\.peer.port) == [peer.port, 9])
        let first = try #require(told.first)
        #expect(server.client.accept(first, at: server.now) == first)
        #expect(server.client.accept(first, at: server.now) == nil, "once only")
    }

    @Test("B3.4: a peer without a permission is not told")
    func stranger() {
        permit()
        attempt(1, from: otherPeer)
        #expect(server.takeEvents() == [.attemptIgnored(otherPeer)])
    }

    @Test("What lacks the peer or the number, or comes to an allocation of UDP or none, is nothing")
    func malformed() {
        permit()
        attempt(nil)
        attempt(1, from: nil)
        #expect(server.takeEvents().isEmpty)
        server.client.linkFailed(at: server.now)
        _ = server.takeEvents()
        attempt(2)
        #expect(server.takeEvents().isEmpty)
        let datagrams = ScriptedServer.allocated(isReliable: true)
        datagrams.client.permit(peer.ip, at: datagrams.now)
        datagrams.run(1)
        _ = datagrams.takeEvents()
        var message = STUNMessage(.indication, .connectionAttempt, transactionID: STUNTransactionID(high: 1, low: 1))
        message.append(STUNMessage.XORPeerAddress(peer))
        message.append(STUNMessage.ConnectionID(1))
        datagrams.client.receive(message, at: datagrams.now)
        #expect(datagrams.takeEvents().isEmpty)
    }

    @Test("B3.4: after 30 seconds the server has closed it, and it can be accepted no more")
    func late() throws {
        permit()
        attempt(1)
        attempt(2)
        let told = attempts()
        let (first, second) = (try #require(told.first), try #require(told.last))
        #expect(server.deadline.map { $0 <= first.expiry } == true)
        server.run(29.9)
        #expect(server.client.accept(first, at: server.now) != nil)
        server.run(0.2)
        #expect(server.client.accept(second, at: server.now) == nil)
    }

    @Test("B3.4: a flood of attempts is bounded, and those that are refused make room")
    func flood() throws {
        permit()
        for number in 1...1000 { attempt(UInt32(number)) }
        let events = server.takeEvents()
        let told: [PeerConnection] = events.compactMap {
            if case .attempted(let connection) = $0 { connection } else { nil }
        }
        #expect(told.count == 64 && events.filter { $0 == .attemptIgnored(peer) }.count == 936)
        attempt(5)
        #expect(server.takeEvents() == [.attemptIgnored(peer)], "a number that waits already")
        server.client.refuse(try #require(told.first))
        attempt(2000)
        #expect(attempts().map(\.id) == [2000])
        server.run(31)
        for number in 1...64 { attempt(UInt32(3000 + number)) }
        #expect(attempts().count == 64, "the old ones are forgotten")
    }
}
