import Foundation
import ICE
import Testing

@Suite(
    "TURNClient and a real coturn",
    .enabled(if: RelayServer.isInstalled, "turnserver, of the package coturn, is not installed"),
    .timeLimit(.minutes(2)))
struct TURNCoturnTests {
    /// A client on a loop, and a peer that sends back what it gets.
    private final class Setting {
        let loop: EventLoop
        let client: TURNClient
        let peer: UDPSocket
        var allocations: [TURNAllocation] = []
        var permitted = 0
        var bound = 0
        var received: [[UInt8]] = []
        var lost: [TURNClientError] = []
        var refused: [Int] = []
        var errors: [TURNClientError] = []

        init(_ configuration: TURNClientConfiguration, on loop: EventLoop) throws {
            self.loop = loop
            client = try TURNClient(loop: loop, configuration: configuration)
            peer = try UDPSocket(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
            peer.onDatagram = { [unowned peer] bytes, source in try? peer.send(bytes, to: source) }
            client.onAllocate = { [unowned self] in allocations.append($0) }
            client.onCreatePermission = { [unowned self] _ in permitted += 1 }
            client.onChannelBind = { [unowned self] _, _ in bound += 1 }
            client.onData = { [unowned self] bytes, _ in received.append([UInt8](copying: bytes)) }
            client.onAllocationLost = { [unowned self] in lost.append($0) }
            client.onResponseError = { [unowned self] _, code, _ in refused.append(code) }
            client.onError = { [unowned self] in errors.append($0) }
        }

        var ended: Int { allocations.count + refused.count + errors.count }

        func run(until condition: () -> Bool) -> Bool { loop.run(until: condition, atMost: .seconds(20)) }

        /// Sends payloads one after the other, each when the one before has come back.
        func echo(_ payloads: [[UInt8]]) throws {
            let start = received.count
            for (index, payload) in payloads.enumerated() {
                try client.send(payload, to: peer.localAddress)
                #expect(run { received.count > start + index })
            }
            #expect(Array(received.dropFirst(start)) == payloads)
        }

        func close() {
            client.close()
            peer.close()
        }
    }

    private static let payloads: [[UInt8]] = [
        [1], [2, 3], [4, 5, 6], [7, 8, 9, 10], Array(repeating: 11, count: 1200),
    ]

    @Test("Data goes both ways over each transport, in indications and on a channel")
    func transports() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop)
        for transport in TransportProtocol.allCases {
            let setting = try Setting(server.configuration(over: transport), on: loop)
            setting.client.allocate()
            #expect(setting.run { setting.ended > 0 })
            #expect(setting.allocations.count == 1)
            #expect(setting.allocations.first?.reflexiveAddress?.ip == .loopback(.v4))
            setting.client.createPermission(for: setting.peer.localAddress.ip)
            #expect(setting.run { setting.permitted == 1 })
            try setting.echo(Self.payloads)
            setting.client.bindChannel(to: setting.peer.localAddress)
            #expect(setting.run { setting.bound == 1 })
            try setting.echo(Self.payloads)
            setting.close()
            #expect(setting.errors == [] && setting.refused == [] && setting.lost == [])
        }
        server.stop()
        loop.close()
    }

    @Test("Relay to relay, over different transports")
    func relayToRelay() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop)
        let near = try Setting(server.configuration(over: .dtls), on: loop)
        let far = try Setting(server.configuration(over: .tls), on: loop)
        for setting in [near, far] { setting.client.allocate() }
        #expect(near.run { near.ended > 0 && far.ended > 0 })
        let addresses = try [near, far].map { try #require($0.allocations.first?.relayedAddresses.first) }
        near.client.bindChannel(to: addresses[1])
        far.client.bindChannel(to: addresses[0])
        #expect(near.run { near.bound == 1 && far.bound == 1 })
        try near.client.send([1, 2, 3], to: addresses[1])
        try far.client.send([4, 5], to: addresses[0])
        #expect(near.run { near.received == [[4, 5]] && far.received == [[1, 2, 3]] })
        near.close()
        far.close()
        server.stop()
        loop.close()
    }

    @Test("B4.5: nonces that go stale are replaced without an event")
    func staleNonce() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop, credentials: .longTerm(staleNonce: 1))
        let setting = try Setting(server.configuration(over: .udp), on: loop)
        setting.client.allocate()
        #expect(setting.run { setting.ended > 0 })
        var refreshes = 0
        setting.client.onRefresh = { _ in refreshes += 1 }
        let timer = Timer(on: loop) { setting.client.refresh(lifetime: .seconds(600)) }
        // Twice, each after the nonce has gone stale.
        for count in 1...2 {
            timer.start(after: .milliseconds(2100))
            #expect(setting.run { refreshes == count })
        }
        timer.close()
        #expect(setting.errors == [] && setting.refused == [] && setting.lost == [])
        setting.close()
        server.stop()
        loop.close()
    }

    @Test("B3.7: credentials made from a shared secret are taken; expired ones and other secrets' are refused, once")
    func sharedSecret() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop, credentials: .secret("north"))
        let now = Int64(Date().timeIntervalSince1970)
        let cases: [(secret: String, expiry: Int64, isTaken: Bool)] = [
            ("north", now + 600, true), ("north", now - 600, false), ("south", now + 600, false),
        ]
        for (secret, expiry, isTaken) in cases {
            let made = TURNRESTCredentials(secret: secret, expiresAt: expiry, user: "alice")
            let setting = try Setting(
                server.configuration(over: .tcp, username: made.username, password: made.password), on: loop)
            setting.client.allocate()
            #expect(setting.run { setting.ended > 0 })
            #expect(setting.allocations.count == (isTaken ? 1 : 0))
            #expect(setting.refused == (isTaken ? [] : [401]))
            setting.close()
        }
        server.stop()
        loop.close()
    }

    @Test("A wrong password is one event, over each transport")
    func wrongPassword() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop)
        for transport in TransportProtocol.allCases {
            let setting = try Setting(server.configuration(over: transport, password: "wrong"), on: loop)
            setting.client.allocate()
            #expect(setting.run { setting.ended > 0 })
            #expect(setting.refused == [401] && setting.errors == [] && setting.allocations == [])
            setting.close()
        }
        server.stop()
        loop.close()
    }

    @Test("A certificate for another host, or a stranger's, is one event")
    func certificates() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop, certificate: ServerCertificate.elsewhere.get())
        for transport in [TransportProtocol.tls, .dtls] {
            for (trust, code) in [
                (TLSOptions.Trust.authorities(pem: server.certificate.certificate), "certificateHostMismatch"),
                (.system, "certificateRejected"),
            ] {
                var configuration = server.configuration(over: transport)
                configuration.tls.trust = trust
                let setting = try Setting(configuration, on: loop)
                setting.client.allocate()
                #expect(setting.run { setting.ended > 0 })
                #expect(setting.errors.map(\.code.description) == [code])
                setting.close()
            }
        }
        server.stop()
        loop.close()
    }

    @Test("A server that dies is noticed, and the one in its place gives a new allocation")
    func death() throws {
        for transport in TransportProtocol.allCases {
            let loop = try EventLoop()
            let server = try RelayServer.start(on: loop)
            let setting = try Setting(server.configuration(over: transport), on: loop)
            setting.client.allocate()
            #expect(setting.run { setting.ended > 0 })
            setting.client.bindChannel(to: setting.peer.localAddress)
            #expect(setting.run { setting.bound == 1 })
            try setting.echo([[1]])
            server.stop()
            // Over UDP it shows when something is sent: nobody is there to take it.
            let timer = Timer(on: loop) {}
            timer.onFire = { [unowned timer] in
                try? setting.client.send([2], to: setting.peer.localAddress)
                timer.start(after: .milliseconds(20))
            }
            timer.start(after: .milliseconds(20))
            #expect(setting.run { !setting.lost.isEmpty })
            timer.close()
            #expect(setting.lost.map(\.code) == [transport.isReliable ? .connectionFailed : .unreachable])
            let second = try RelayServer.start(on: loop, inPlaceOf: server)
            setting.client.allocate()
            #expect(setting.run { setting.ended > 1 })
            #expect(setting.allocations.count == 2)
            setting.client.bindChannel(to: setting.peer.localAddress)
            #expect(setting.run { setting.bound == 2 })
            try setting.echo([[3]])
            setting.close()
            second.stop()
            loop.close()
        }
    }

    @Test("Closing in any state frees the client and every handle of the loop", arguments: TransportProtocol.allCases)
    func closing(transport: TransportProtocol) throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop)
        for turns in [0, 1, 2, 3, 4, 5, 6, 8, 12] {
            weak var reference: TURNClient?
            do {
                let client = try TURNClient(loop: loop, configuration: server.configuration(over: transport))
                reference = client
                client.allocate()
                var turn = -1
                let isFarEnough = {
                    turn += 1
                    return turn == turns
                }
                // With nothing left to do, it is as far as it gets.
                _ = loop.run(until: isFarEnough, atMost: .milliseconds(100))
                client.close()
            }
            #expect(reference == nil)
            // It says whether anything is left that would keep it running.
            var isAlive = true
            for _ in 0..<5 { isAlive = loop.run(.noWait) }
            #expect(!isAlive)
        }
        server.stop()
        loop.close()
    }
}
