import ICE
import Testing

@Suite(
    "Calls over TCP relays of a real coturn",
    .enabled(if: RelayServer.isInstalled, "turnserver, of the package coturn, is not installed"),
    .timeLimit(.minutes(2)))
struct RelayedTCPCoturnTests {
    /// Two clients on loopback, whose candidates are handed over as they come.
    private final class Call {
        let loop: EventLoop
        let clients: [ICEClient]
        var errors: [CandidateError] = []
        var received = [0, 0]

        init(
            on loop: EventLoop, _ server: RelayServer, _ transport: TransportProtocol,
            _ transports: CandidateTransports, callee: (inout ICEConfiguration) -> Void = { _ in }
        ) throws {
            self.loop = loop
            var tls = TLSOptions()
            tls.trust = .authorities(pem: server.certificate.certificate)
            let url = RelayScene.url(
                transport, host: "127.0.0.1", port: transport == .tls ? server.securePort : server.port)
            var configuration = ICEConfiguration(role: .controlling)
            configuration.transports = transports
            configuration.transportPolicy = .relay
            configuration.includesLoopback = true
            configuration.localAddresses = [.loopback(.v4)]
            configuration.pacing = .fast
            configuration.servers = [
                try ICEServer(
                    urls: [url], username: RelayServer.username, credential: RelayServer.password, tls: tls)
            ]
            let caller = ICEClient(loop: loop, configuration: configuration)
            configuration.role = .controlled
            callee(&configuration)
            clients = [caller, ICEClient(loop: loop, configuration: configuration)]
            for (index, client) in clients.enumerated() {
                let peer = clients[1 - index]
                client.onCandidate = { [weak peer] in peer?.addRemoteCandidate($0) }
                client.onCandidateError = { [unowned self] in errors.append($0) }
                client.onData = { [unowned self] bytes, _ in received[index] += bytes.count }
                try peer.setRemoteParameters(client.localParameters)
            }
            for client in clients {
                client.gatherCandidates()
                client.processCandidates()
            }
        }

        func run(until condition: () -> Bool) -> Bool { loop.run(until: condition, atMost: .seconds(20)) }

        var isCompleted: Bool { clients.allSatisfy { $0.state == .completed } }

        /// Sends so many datagrams from one side, waiting for room where there is none.
        func send(_ count: Int, of size: Int, from index: Int) {
            let datagram = [UInt8](repeating: 0x80, count: size)
            var sent = 0
            let client = clients[index]
            let pump = { [unowned client] in
                while sent < count, (try? client.send(datagram)) != nil { sent += 1 }
            }
            client.onWritable = { _ in pump() }
            pump()
            let before = received[1 - index]
            #expect(run { self.received[1 - index] >= before + count * size })
            client.onWritable = nil
        }

        func close(_ server: RelayServer) {
            for client in clients { client.close() }
            for _ in 0..<20 { loop.run(.noWait) }
            server.stop()
            loop.close()
        }
    }

    @Test("Two relays connect to each other, and carry much data either way", arguments: [TransportProtocol.tcp, .tls])
    func betweenRelays(transport: TransportProtocol) throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop)
        let call = try Call(on: loop, server, transport, [.tcp, .relayedTCP])
        #expect(call.run { call.isCompleted }, "\(call.clients.map(\.state)) \(call.errors)")
        for client in call.clients {
            let pair = try #require(client.selectedPair())
            #expect(pair.isRelayed && pair.local.kind == .relayed && pair.local.transport != .udp, "\(pair)")
        }
        for index in [0, 1, 0] { call.send(500, of: 10_000, from: index) }
        #expect(call.errors.isEmpty && call.isCompleted)
        call.close(server)
    }

    @Test("What is sent under TLS while data is delivered is bounded too, and all of it arrives")
    func answering() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop)
        let call = try Call(on: loop, server, .tls, [.tcp, .relayedTCP])
        #expect(call.run { call.isCompleted }, "\(call.clients.map(\.state)) \(call.errors)")
        let datagram = [UInt8](repeating: 0x80, count: 10_000)
        let (asking, answering) = (call.clients[0], call.clients[1])
        var sent = 0
        var takenAtOnce: Int?
        let answer = { [unowned answering] in
            while sent < 400, (try? answering.send(datagram)) != nil { sent += 1 }
            takenAtOnce = takenAtOnce ?? sent
        }
        answering.onData = { _, _ in answer() }
        answering.onWritable = { _ in answer() }
        try asking.send("go on")
        #expect(call.run { call.received[0] >= 400 * datagram.count })
        #expect(takenAtOnce.map { $0 < 400 } == true && call.isCompleted, "\(call.clients.map(\.state))")
        call.close(server)
    }

    @Test("A relay and a peer without one meet, whichever of the two connects", arguments: [true, false])
    func oneRelay(isCalled: Bool) throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop)
        let call = try Call(on: loop, server, .tcp, [.tcp, .relayedTCP]) {
            $0.transports = .tcp
            $0.transportPolicy = .all
            $0.servers = []
        }
        // Who takes no passive candidates connects to nobody.
        call.clients[isCalled ? 0 : 1].shouldAcceptRemoteCandidate = { $0.transport == .tcp(.active) }
        #expect(call.run { call.isCompleted }, "\(call.clients.map(\.state)) \(call.errors)")
        let pair = try #require(call.clients[0].selectedPair())
        #expect(pair.local.kind == .relayed && pair.local.transport == .tcp(isCalled ? .passive : .active), "\(pair)")
        for index in [0, 1] { call.send(20, of: 1000, from: index) }
        call.close(server)
    }
}
