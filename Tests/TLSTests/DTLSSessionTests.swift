import NetBase
import TLS
import Testing

@Suite("DTLS over datagrams")
struct DTLSSessionTests {
    @Test("Client and server shake hands, and each write is one datagram and one record")
    func handshakeAndData() throws {
        let wiring = try Wiring(.datagram)
        wiring.connect()
        #expect(wiring.clientEvents == [.handshakeCompleted])
        #expect(wiring.serverEvents == [.handshakeCompleted])
        #expect(wiring.client.protocolVersion == "DTLSv1.2")
        #expect(wiring.client.deadline == nil)

        let before = wiring.clientSent.count
        let messages = [[1], Array(repeating: 2, count: 1200), [3, 3]] as [[UInt8]]
        for message in messages { try wiring.client.write(message, at: wiring.now) }
        try wiring.server.write([4], at: wiring.now)
        wiring.run()
        #expect(wiring.clientSent.count == before + 3)
        #expect(wiring.serverData == messages)
        #expect(wiring.clientData == [[4]])
    }

    @Test("Each handshake datagram holds whole records and fits a path with the smallest IPv6 packets")
    func datagramBoundaries() throws {
        // A long chain, so that the server's flight takes several.
        let certificates = try Certificates.shared.get()
        let chain = certificates.server + Array(repeatElement(certificates.authority, count: 6).joined())
        let wiring = try Wiring(.datagram, chain: chain)
        wiring.connect()
        #expect(wiring.clientEvents == [.handshakeCompleted])
        #expect((wiring.clientSent + wiring.serverSent).map(\.count).reduce(0, +) > 2 * 1232)
        for datagram in wiring.clientSent + wiring.serverSent {
            #expect(datagram.count <= 1232)
            var rest = datagram[...]
            while rest.count >= 13 {
                // RFC 6347 §4.1: type, version, epoch, sequence number, length.
                let bytes = Array(rest)
                rest = rest.dropFirst(13 + Int(bytes[11]) << 8 + Int(bytes[12]))
            }
            #expect(rest.isEmpty)
        }
    }

    @Test("A lost flight is sent again by advancing to its deadline", arguments: [false, true])
    func lostFlight(isReplyLost: Bool) throws {
        // OpenSSL takes a timer as due 15 ms early, and measures on the system's clock: this one is due after 5 ms.
        let wiring = try Wiring(.datagram, retransmissionTimeout: .milliseconds(20))
        wiring.client.start(at: wiring.now)
        if isReplyLost {
            guard case .send(let hello) = wiring.client.nextEffect() else {
                Issue.record("nothing was sent")
                return
            }
            wiring.server.receive(hello, at: wiring.now)
        }
        wiring.isLossy = true
        wiring.run()
        wiring.isLossy = false
        #expect(wiring.clientEvents.isEmpty)

        wiring.client.advance(to: wiring.now)
        #expect(wiring.client.nextEffect() == nil, "the deadline is not reached")
        // Asks again until the system's clock has come as far; the bound is for a timer that never runs.
        for _ in 0..<1_000_000 where wiring.clientEvents.isEmpty {
            let deadline = try #require(wiring.client.deadline)
            wiring.now = deadline
            wiring.client.advance(to: deadline)
            wiring.run()
        }
        #expect(wiring.clientEvents == [.handshakeCompleted])
        #expect(wiring.serverEvents == [.handshakeCompleted])
    }

    @Test("Datagrams that are not DTLS, or were changed or repeated on the way, are ignored")
    func garbage() throws {
        let wiring = try Wiring(.datagram)
        let garbage = [[0], Array("hello".utf8), Array(repeating: 22, count: 2000), [22, 254, 253, 0, 0]] as [[UInt8]]
        wiring.client.start(at: wiring.now)
        for bytes in garbage { wiring.client.receive(bytes, at: wiring.now) }
        wiring.run()
        #expect(wiring.clientEvents == [.handshakeCompleted])

        try wiring.client.write([7], at: wiring.now)
        guard case .send(let datagram) = wiring.client.nextEffect() else {
            Issue.record("nothing was sent")
            return
        }
        var changed = datagram
        changed[changed.count - 1] ^= 1
        for bytes in garbage + [changed, datagram, datagram] { wiring.server.receive(bytes, at: wiring.now) }
        wiring.run()
        #expect(wiring.serverData == [[7]])
        #expect(wiring.serverEvents == [.handshakeCompleted])
    }

    @Test("A wrong host name and an unknown authority are refused as in TLS")
    func verification() throws {
        let mismatch = try Wiring(.datagram, identity: .name("other.test"))
        mismatch.connect()
        #expect(mismatch.clientEvents.map { $0.error?.code } == [.hostMismatch])
        let unknown = try Wiring(.datagram, trust: .system)
        unknown.connect()
        #expect(unknown.clientEvents.map { $0.error?.code } == [.untrustedCertificate])
        #expect(unknown.client.deadline == nil)
    }

    @Test("Shutting down closes the other end; a record that is too long is refused")
    func shutdown() throws {
        let wiring = try Wiring(.datagram)
        wiring.connect()
        let tooLong = [UInt8](repeating: 0, count: TLSSession.maximumRecordByteCount + 1)
        let error = #expect(throws: TLSError.self) { try wiring.client.write(tooLong, at: wiring.now) }
        #expect(error?.code == .messageTooLarge)
        try wiring.client.write(Array(tooLong.dropLast()), at: wiring.now)
        wiring.client.shutdown()
        wiring.run()
        #expect(wiring.serverData.map(\.count) == [TLSSession.maximumRecordByteCount])
        #expect(wiring.serverEvents == [.handshakeCompleted, .closed])
    }
}
