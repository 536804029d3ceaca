import NetBase
import Testing

@testable import ICE
@testable import TURNCore

@Suite(
    "Closing a TURN client of a real coturn, in any state",
    .enabled(if: RelayServer.isInstalled, "turnserver, of the package coturn, is not installed"),
    .timeLimit(.minutes(2)))
struct RelayClosingCoturnTests {
    private static let peer = TransportAddress(.loopback(.v4), port: 9)

    @Test("Neither an object nor a handle of the loop is left", arguments: TransportProtocol.allCases)
    func closing(transport: TransportProtocol) throws {
        let loop = try EventLoop()
        let server = try RelayServer.start(on: loop)
        let stages = RelayStage.table.filter { $0.1 == transport }.map(\.0)
        for stage in stages where ![.granted, .connected, .lost].contains(stage) {
            let remains = try Self.close(on: loop, server, at: stage, over: transport)
            // A look-up that a thread has begun ends there; the rest needs a turn or two. A handle that is left would hold this up for good.
            #expect(!loop.run(), "\(stage)")
            #expect(remains.living == [], "\(stage)")
        }
        server.stop()
        loop.close()
    }

    private static func close(
        on loop: EventLoop, _ server: RelayServer, at stage: RelayStage, over transport: TransportProtocol
    ) throws -> Remains {
        var configuration = server.configuration(over: transport)
        if stage == .resolving { configuration.host = "localhost" }
        if stage == .failed { configuration.password = "wrong" }
        let client = try TURNClient(loop: loop, configuration: configuration)
        var hasFailed = false
        client.onResponseError = { _, _, _ in hasFailed = true }
        client.allocate()
        let isAllocated = { client.allocation != nil }
        switch stage {
        case .permitting, .permitted:
            #expect(loop.run(until: isAllocated, atMost: .seconds(10)))
            client.createPermission(for: peer.ip)
            if stage == .permitted {
                #expect(loop.run(until: { client.allocation?.permissions == [peer.ip] }, atMost: .seconds(10)))
            }
        case .binding, .bound:
            #expect(loop.run(until: isAllocated, atMost: .seconds(10)))
            client.bindChannel(to: peer)
            if stage == .bound {
                #expect(loop.run(until: { client.allocation?.channels.count == 1 }, atMost: .seconds(10)))
                try client.send([1, 2, 3], to: peer)
            }
        case .failed:
            #expect(loop.run(until: { hasFailed }, atMost: .seconds(10)))
        default:
            #expect(loop.run(until: { hasReached(stage, client) }, atMost: .seconds(10)), "\(stage)")
        }
        var remains = Remains()
        remains.add(client)
        client.close()
        return remains
    }

    private static func hasReached(_ stage: RelayStage, _ client: TURNClient) -> Bool {
        switch (stage, client.link.state) {
        case (.resolving, .resolving): true
        case (.connecting, .connecting), (.handshaking, .connecting): true
        // One turn of the loop may bring more than one answer, and take it further.
        case (.asking, .open): true
        case (.authenticating, .open): client.core?.authenticator.key != nil
        case (.allocated, .open): client.allocation != nil
        default: false
        }
    }
}
