import NetBase
import TLS
import Testing

@Suite("TLS over a byte stream")
struct TLSSessionTests {
    @Test(
        "Client and server agree on a version and carry data both ways, however the stream is split",
        arguments: [TLSContext.Version.tls12, .tls13], [1, 7, nil])
    func handshakeAndData(_ newest: TLSContext.Version, _ chunkByteCount: Int?) throws {
        let wiring = try Wiring(newest: newest)
        wiring.chunkByteCount = chunkByteCount
        wiring.connect()
        #expect(wiring.clientEvents == [.handshakeCompleted])
        #expect(wiring.serverEvents == [.handshakeCompleted])
        #expect(wiring.client.protocolVersion == (newest == .tls12 ? "TLSv1.2" : "TLSv1.3"))

        let long = (0..<40_000).map { UInt8(truncatingIfNeeded: $0) }
        try wiring.client.write([1, 2, 3], at: wiring.now)
        try wiring.server.write(long, at: wiring.now)
        wiring.run()
        #expect(wiring.serverData == [[1, 2, 3]])
        #expect(wiring.clientData.flatMap(\.self) == long)
        #expect(wiring.client.deadline == nil)
    }

    @Test("What was written in one turn is sent as one chunk")
    func coalescing() throws {
        let wiring = try Wiring()
        wiring.connect()
        for byte in 0..<5 { try wiring.client.write([UInt8(byte)], at: wiring.now) }
        let before = wiring.clientSent.count
        wiring.run()
        #expect(wiring.clientSent.count == before + 1)
        #expect(wiring.serverData == [[0], [1], [2], [3], [4]])
    }

    @Test(
        "The server has to prove the identity that was asked for",
        arguments: [
            (ServerIdentity.name("turn.example.org"), nil),
            (.name("TURN.example.org"), nil),
            (.name("example.org"), .hostMismatch),
            (.name("turn.example.org.evil.test"), .hostMismatch),
            (.name("192.0.2.7"), .hostMismatch),
            (.address(IPAddress(v4: 0xc000_0207)), nil),
            (.address(IPAddress(v4: 0xc000_0208)), .hostMismatch),
            (.address(IPAddress(v6High: 0x2001_0db8_0000_0000, low: 7)), nil),
            (.address(IPAddress(v6High: 0x2001_0db8_0000_0000, low: 8)), .hostMismatch),
        ] as [(ServerIdentity, TLSError.Code?)])
    func identity(_ identity: ServerIdentity, _ expected: TLSError.Code?) throws {
        let wiring = try Wiring(identity: identity)
        wiring.connect()
        #expect(wiring.clientEvents.last?.error?.code == expected)
        #expect(wiring.clientEvents.contains(.handshakeCompleted) == (expected == nil))
    }

    @Test("Certificates that cannot be trusted are refused with the reason, and the server is told")
    func untrusted() throws {
        let certificates = try Certificates.shared.get()
        let table: [([UInt8], TLSContext.Trust, TLSError)] = [
            (
                certificates.server, .system,
                TLSError(.untrustedCertificate, reason: "unable to get local issuer certificate")
            ),
            (
                certificates.server, .authorities(pem: certificates.strangeAuthority),
                TLSError(.untrustedCertificate, reason: "unable to get local issuer certificate")
            ),
            (certificates.selfSigned, .system, TLSError(.untrustedCertificate, reason: "self-signed certificate")),
            (
                certificates.expired, .authorities(pem: certificates.authority),
                TLSError(.certificateOutOfDate, reason: "certificate has expired")
            ),
        ]
        for (chain, trust, error) in table {
            let wiring = try Wiring(chain: chain, trust: trust)
            wiring.connect()
            #expect(wiring.clientEvents == [.failed(error)])
            #expect(wiring.serverEvents.last?.error?.code == .peerAlert)
        }
    }

    @Test("Verification that is switched off accepts any certificate for any name")
    func unverified() throws {
        let certificates = try Certificates.shared.get()
        for chain in [certificates.server, certificates.selfSigned, certificates.expired] {
            let wiring = try Wiring(chain: chain, trust: .unverified, identity: .name("other.test"))
            wiring.connect()
            #expect(wiring.clientEvents == [.handshakeCompleted])
        }
    }

    @Test("Several authorities may be trusted at once")
    func severalAuthorities() throws {
        let certificates = try Certificates.shared.get()
        let wiring = try Wiring(trust: .authorities(pem: certificates.strangeAuthority + certificates.authority))
        wiring.connect()
        #expect(wiring.clientEvents == [.handshakeCompleted])
    }

    @Test("Shutting down closes the other end in order, and neither end takes data afterwards")
    func shutdown() throws {
        let wiring = try Wiring()
        wiring.connect()
        try wiring.client.write([9], at: wiring.now)
        wiring.client.shutdown()
        wiring.run()
        #expect(wiring.serverData == [[9]])
        #expect(wiring.serverEvents == [.handshakeCompleted, .closed])
        #expect(wiring.clientEvents == [.handshakeCompleted])
        for end in [wiring.client, wiring.server] {
            let error = #expect(throws: TLSError.self) { try end.write([1], at: wiring.now) }
            #expect(error?.code == .closed)
        }
    }

    @Test("Data before the handshake is complete is refused")
    func earlyData() throws {
        let wiring = try Wiring()
        let error = #expect(throws: TLSError.self) { try wiring.client.write([1], at: wiring.now) }
        #expect(error?.code == .notConnected)
    }

    @Test("Bytes that are not TLS end the session with a typed fault, before and after the handshake")
    func garbage() throws {
        let garbage = Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
        let early = try Wiring()
        early.client.start(at: early.now)
        early.client.receive(garbage, at: early.now)
        early.run()
        #expect(early.clientEvents.map { $0.error?.code } == [.protocolViolation])

        let late = try Wiring()
        late.connect()
        late.client.receive(garbage, at: late.now)
        late.run()
        #expect(late.clientEvents.last?.error?.code == .protocolViolation)
        #expect(late.serverEvents.last?.error?.code == .peerAlert)
    }

    @Test("A record that was changed on the way ends the session")
    func tampering() throws {
        let wiring = try Wiring()
        wiring.connect()
        try wiring.client.write([1, 2, 3], at: wiring.now)
        guard case .send(var bytes) = wiring.client.nextEffect() else {
            Issue.record("nothing was sent")
            return
        }
        bytes[bytes.count - 1] ^= 1
        wiring.server.receive(bytes, at: wiring.now)
        wiring.run()
        #expect(wiring.serverData.isEmpty)
        #expect(wiring.serverEvents.last?.error?.code == .protocolViolation)
    }

    @Test("What waits to be sent is bounded")
    func bound() throws {
        let wiring = try Wiring()
        wiring.connect()
        let block = [UInt8](repeating: 0, count: 1 << 18)
        var taken = 0
        let error = #expect(throws: TLSError.self) {
            for _ in 0..<8 {
                try wiring.client.write(block, at: wiring.now)
                taken += 1
            }
        }
        #expect(error?.code == .bufferFull)
        #expect(taken == 3)
        wiring.run()
        try wiring.client.write(block, at: wiring.now)
    }

    @Test("A session and its context are freed with their last holder")
    func lifetime() throws {
        weak var session: TLSSession?
        weak var context: TLSContext?
        try {
            let wiring = try Wiring()
            wiring.connect()
            session = wiring.client
            let held = try TLSContext.client(.stream)
            context = held
            _ = try TLSSession(client: held, identity: .name("a.test"))
        }()
        #expect(session == nil)
        #expect(context == nil)
    }
}

@Suite("What a TLS context and session are made from")
struct TLSConfigurationTests {
    @Test("PEM that holds nothing usable is refused")
    func badPEM() throws {
        let certificates = try Certificates.shared.get()
        let cut = Array(certificates.authority.dropLast(60))
        for pem in [[], Array("hello".utf8), certificates.key, cut, certificates.authority + cut] {
            let error = #expect(throws: TLSError.self) { try TLSContext.client(.stream, trust: .authorities(pem: pem)) }
            #expect(error?.code == .badPEM)
        }
        for (chain, key) in [
            (certificates.server, certificates.strangeKey), (certificates.server, []), ([], certificates.key),
        ] {
            let error = #expect(throws: TLSError.self) {
                try TLSContext.server(.stream, certificateChain: chain, privateKey: key)
            }
            #expect(error?.code == .badPEM)
        }
    }

    @Test(
        "Names that no certificate can hold are refused",
        arguments: ["", "a\0.example.org", String(repeating: "a", count: 254)])
    func badNames(_ name: String) throws {
        let context = try TLSContext.client(.stream)
        let error = #expect(throws: TLSError.self) { try TLSSession(client: context, identity: .name(name)) }
        #expect(error?.code == .badServerIdentity)
    }

    @Test(
        "A URI's host is told apart as name or address",
        arguments: [
            ("turn.example.org", .name("turn.example.org")), ("turn.example.org.", .name("turn.example.org")),
            ("192.0.2.7", .address(IPAddress(v4: 0xc000_0207))), ("[::1]", .address(.loopback(.v6))),
            ("::1", .address(.loopback(.v6))), ("1.2.3", .name("1.2.3")),
        ] as [(String, ServerIdentity)])
    func hosts(_ host: String, _ expected: ServerIdentity) {
        #expect(ServerIdentity(host: host) == expected)
    }
}
