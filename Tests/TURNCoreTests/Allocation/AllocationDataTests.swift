import NetBase
import STUN
import TURNCore
import Testing

@Suite("Data of an allocation")
struct AllocationDataTests {
    private let id = STUNTransactionID(high: 1, low: 2)

    private func bound(isReliable: Bool = false) -> ScriptedServer {
        let server = ScriptedServer.allocated(isReliable: isReliable)
        server.client.bind(peer, at: server.now)
        server.run(1)
        _ = server.takeEvents()
        return server
    }

    private func indication(_ data: [UInt8], from peer: TransportAddress) -> STUNMessage? {
        DataIndication.encode(data.span, from: peer, transactionID: id)
    }

    @Test("B2.11: ChannelData is padded in streams only", arguments: [false, true])
    func padding(_ isReliable: Bool) {
        let server = bound(isReliable: isReliable)
        let plain: [UInt8] = [0x40, 0, 0, 5, 1, 2, 3, 4, 5]
        #expect(server.frame([1, 2, 3, 4, 5], to: peer) == (isReliable ? plain + [0, 0, 0] : plain))
        #expect(server.frame([], to: peer) == [0x40, 0, 0, 0])
    }

    @Test(
        "B2.7, B2.11: what comes on a channel is taken where it lies, or dropped",
        arguments: [
            ([0x40, 0, 0, 2, 1, 2], 4..<6), ([0x40, 0, 0, 2, 1, 2, 0, 0], 4..<6), ([0x40, 0, 0, 0], 4..<4),
            ([0x40, 0, 0, 3, 1, 2], nil), ([0x40, 1, 0, 1, 9], nil), ([0x50, 0, 0, 1, 9], nil), ([0x40, 0], nil),
        ] as [([UInt8], Range<Int>?)])
    func channelData(_ datagram: [UInt8], _ range: Range<Int>?) {
        let server = bound()
        let payload = server.payload(ofChannelData: datagram.span, at: server.now)
        #expect(payload?.range == range)
        #expect(payload?.peer == range.map { _ in peer })
    }

    @Test("B2.4: without a permission, or one on its way, nothing is sent")
    func gate() {
        let server = ScriptedServer.allocated()
        #expect(server.frame([1], to: peer) == nil)
        server.client.permit(peer.ip, at: server.now)
        #expect(server.frame([1], to: peer) != nil, "the request goes in front")
        #expect(server.frame([1], to: otherPeer) == nil)
        server.run(1)
        #expect(server.frame([1], to: TransportAddress(peer.ip, port: 1)) != nil, "the port does not matter")
    }

    @Test(
        "B2.12, B2.13: Data indications are taken, empty ones too, with or without a channel; from strangers they are dropped"
    )
    func dataIndications() throws {
        let server = bound()
        for bytes in [[], [7, 8, 9]] as [[UInt8]] {
            let message = try #require(indication(bytes, from: peer))
            let payload = try #require(server.payload(of: message, at: server.now))
            #expect(payload.peer == peer && Array(message.bytes[payload.range]) == bytes)
            let stranger = try #require(indication(bytes, from: otherPeer))
            #expect(server.payload(of: stranger, at: server.now) == nil)
        }
    }

    @Test("B2.13: a Data indication without a peer, or with neither data nor ICMP, is dropped")
    func malformed() {
        let server = bound()
        var noPeer = STUNMessage(.indication, .data, transactionID: id)
        noPeer.append(STUNMessage.Data([1]))
        var noData = STUNMessage(.indication, .data, transactionID: id)
        noData.append(STUNMessage.XORPeerAddress(peer))
        for message in [noPeer, noData] {
            #expect(server.payload(of: message, at: server.now) == nil)
            server.client.receive(message, at: server.now)
        }
        #expect(server.takeEvents().isEmpty)
    }

    @Test("B2.14: ICMP is an error of the peer's, no data; from strangers it is dropped")
    func icmp() {
        let server = bound()
        let icmp = STUNMessage.ICMP(icmpType: 3, icmpCode: 4, errorData: 1280)
        for source in [peer, otherPeer] {
            let message = DataIndication.encode(icmp, from: source, transactionID: id)
            #expect(server.payload(of: message, at: server.now) == nil)
            server.client.receive(message, at: server.now)
        }
        #expect(server.takeEvents() == [.peerError(peer, PeerError(icmp, family: .v4))])
    }

    @Test("B2.3: data in either direction prolongs nothing")
    func noRefresh() {
        let server = bound()
        let before = server.state
        _ = server.frame([1], to: peer)
        let datagram: [UInt8] = [0x40, 0, 0, 1, 9]
        _ = server.payload(ofChannelData: datagram.span, at: server.now)
        #expect(server.state == before)
    }

    @Test("After the end nothing is framed or taken")
    func afterTheEnd() throws {
        let server = bound()
        server.client.linkFailed(at: server.now)
        #expect(server.frame([1], to: peer) == nil)
        let datagram: [UInt8] = [0x40, 0, 0, 1, 9]
        #expect(server.payload(ofChannelData: datagram.span, at: server.now) == nil)
        let message = try #require(indication(datagram, from: peer))
        #expect(server.payload(of: message, at: server.now) == nil)
    }

    @Test("Payloads that no frame can hold are not sent")
    func tooLong() {
        let server = bound()
        server.client.permit(otherPeer.ip, at: server.now)
        let long = [UInt8](repeating: 0, count: 65_536)
        #expect(server.frame(long, to: peer) == nil && server.frame(long, to: otherPeer) == nil)
    }
}
