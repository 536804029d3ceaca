import ICE
import Testing

@Suite(
    "TCP relays of a real coturn (RFC 6062)",
    .enabled(if: RelayServer.isInstalled, "turnserver, of the package coturn, is not installed"),
    .timeLimit(.minutes(2)))
struct TURNConnectionCoturnTests {
    private static let transports = [TransportProtocol.tcp, .tls]

    /// A client with a relay for TCP, and a plain TCP server that sends back what it gets.
    private final class Setting {
        let loop: EventLoop
        let server: RelayServer
        let client: TURNClient
        let echo: TCPListener
        var echoed: [TCPStream] = []
        var allocations: [TURNAllocation] = []
        var permitted = 0
        var errors: [TURNClientError] = []

        init(_ transport: TransportProtocol, arguments: [String] = []) throws {
            loop = try EventLoop()
            server = try RelayServer.start(on: loop, arguments: arguments)
            var configuration = server.configuration(over: transport)
            configuration.relayTransport = .tcp
            client = try TURNClient(loop: loop, configuration: configuration)
            echo = try TCPListener(on: loop, boundTo: TransportAddress(.loopback(.v4), port: 0))
            echo.onConnection = { [unowned self] stream in
                echoed.append(stream)
                stream.onBytes = { [unowned stream] bytes in try? stream.write([UInt8](copying: bytes)) }
            }
            client.onAllocate = { [unowned self] in allocations.append($0) }
            client.onCreatePermission = { [unowned self] _ in permitted += 1 }
            client.onResponseError = { method, code, reason in Issue.record("\(method) \(code) \(reason)") }
            client.onError = { [unowned self] in errors.append($0) }
            client.allocate()
            #expect(run { !allocations.isEmpty || !errors.isEmpty })
            #expect(allocations.count == 1 && errors == [])
        }

        func run(until condition: () -> Bool) -> Bool { loop.run(until: condition, atMost: .seconds(20)) }

        func close() {
            client.close()
            echo.close()
            for stream in echoed { stream.close() }
            server.stop()
            loop.close()
        }
    }

    @Test(
        "B3.4: a TCP stream is carried to a plain TCP server and back, however slowly it takes it",
        arguments: transports)
    func connecting(transport: TransportProtocol) throws {
        let setting = try Setting(transport)
        let connection = setting.client.connect(to: setting.echo.localAddress)
        var received: [UInt8] = []
        var closed: [TURNClientError] = []
        connection.onConnect = { [unowned connection] in try? connection.send([1, 2, 3]) }
        connection.onData = { received += [UInt8](copying: $0) }
        connection.onClose = { closed.append($0) }
        #expect(setting.run { received.count == 3 || !closed.isEmpty })
        #expect(received == [1, 2, 3] && closed == [] && connection.state == .open)
        #expect(setting.client.connections.first === connection)

        // More than all sockets on the way hold; one way after the other, as coturn comes to a halt where both are full.
        let blocks = (0..<400).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: 50_000) }
        let peer = try #require(setting.echoed.first)
        var heard: [UInt8] = []
        peer.onBytes = { heard += [UInt8](copying: $0) }
        var sent = 0
        var refusals = 0
        let pump = { [unowned connection] in
            while sent < blocks.count {
                guard (try? connection.send(blocks[sent])) != nil else { return refusals += 1 }
                sent += 1
            }
        }
        connection.onWritable = pump
        pump()
        #expect(setting.run { heard.count >= blocks.count * 50_000 || !closed.isEmpty })
        let isHeard = heard == blocks.reduce(into: []) { $0 += $1 }
        #expect(isHeard && refusals > 0 && closed == [])
        let answer = Array(heard.suffix(1_000_000))
        received = []
        try peer.write(answer)
        #expect(setting.run { received.count >= answer.count || !closed.isEmpty })
        let isWhole = received == answer
        #expect(isWhole && closed == [])

        peer.close()
        #expect(setting.run { !closed.isEmpty })
        // coturn resets the client's connection in the clear, and ends it in order under TLS.
        #expect(closed.count == 1 && closed.allSatisfy { [.endOfStream, .connectionFailed].contains($0.code) })
        #expect(setting.client.connections.isEmpty && connection.state == .closed)
        setting.close()
    }

    @Test("B3.4: a plain TCP client is let in, with what it has sent before", arguments: transports)
    func accepting(transport: TransportProtocol) throws {
        let setting = try Setting(transport)
        setting.client.createPermission(for: .loopback(.v4))
        #expect(setting.run { setting.permitted == 1 })
        let relayed = try #require(setting.allocations.first?.relayedAddresses.first)
        var connection: TURNConnection?
        var connected = 0
        setting.client.onConnectionAttempt = { attempt in
            connection = attempt.accept()
            connection?.onConnect = { connected += 1 }
            connection?.onData = { [unowned connection] in try? connection?.send($0) }
        }
        let peer = try TCPStream(on: setting.loop, connectingTo: relayed)
        var received: [UInt8] = []
        var end: NetworkError?
        peer.onConnect = { [unowned peer] in try? peer.write([1, 2, 3]) }
        peer.onBytes = { received += [UInt8](copying: $0) }
        peer.onClose = { end = $0 }
        #expect(setting.run { received.count == 3 || end != nil })
        #expect(received == [1, 2, 3] && connected == 1)
        #expect(connection?.peer == peer.localAddress && connection?.isIncoming == true)
        connection?.close()
        #expect(setting.run { end != nil })
        #expect(setting.client.connections.isEmpty)
        setting.close()
    }

    @Test("B3.4: a peer where nobody listens is told, and not asked for again within ten seconds")
    func refused() throws {
        let setting = try Setting(.tcp)
        let place = setting.echo.localAddress
        setting.echo.close()
        var closed: [TURNClientError] = []
        for count in 1...2 {
            setting.client.connect(to: place).onClose = { closed.append($0) }
            #expect(setting.run { closed.count == count })
        }
        #expect(closed.map(\.code) == [.peerUnreachable, .tooEarly])
        setting.close()
    }

    @Test("B3.4: two connections to one peer are one too many, until the first has ended")
    func twice() throws {
        let setting = try Setting(.tcp)
        let first = setting.client.connect(to: setting.echo.localAddress)
        #expect(setting.run { first.state == .open || first.state == .closed })
        #expect(first.state == .open)
        var closed: [TURNClientError] = []
        setting.client.connect(to: setting.echo.localAddress).onClose = { closed.append($0) }
        #expect(setting.run { !closed.isEmpty })
        #expect(closed.map(\.code) == [.connectionExists])
        #expect(first.state == .open)
        setting.close()
    }

    @Test("B3.4: a server that relays no TCP says so")
    func notSupported() throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop, arguments: ["--no-tcp-relay"])
        var configuration = server.configuration(over: .tcp)
        configuration.relayTransport = .tcp
        let client = try TURNClient(loop: loop, configuration: configuration)
        var refused: [Int] = []
        client.onResponseError = { _, code, _ in refused.append(code) }
        client.allocate()
        #expect(loop.run(until: { !refused.isEmpty }, atMost: .seconds(20)))
        // coturn's choice; RFC 6062 §5.1 names 403 for a transport that is forbidden by local policy.
        #expect(refused == [403] || refused == [442])
        client.close()
        server.stop()
        loop.close()
    }

    @Test("B3.4: when the allocation is given back, or the server dies, its connections end", arguments: [true, false])
    func allocationGone(givingBack: Bool) throws {
        let setting = try Setting(.tcp)
        let connection = setting.client.connect(to: setting.echo.localAddress)
        #expect(setting.run { connection.state == .open })
        var closed: [TURNClientError.Code] = []
        connection.onClose = { closed.append($0.code) }
        var ends = 0
        setting.client.onRefresh = { if $0 == .zero { ends += 1 } }
        setting.client.onAllocationLost = { _ in ends += 1 }
        if givingBack { setting.client.refresh(lifetime: .zero) } else { setting.server.stop() }
        #expect(setting.run { ends == 1 && !closed.isEmpty })
        #expect(closed.count == 1 && setting.client.connections.isEmpty)
        setting.close()
    }
}
