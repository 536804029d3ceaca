import NetBase
import STUN
import Testing

@testable import ICE
@testable import ICETesting
@testable import TURNCore

/// How far a client has come with its relay.
enum RelayStage: CaseIterable {
    case resolving, connecting, handshaking
    /// The first Allocate request is on its way; the second is; the server has granted it, and the client does not know.
    case asking, authenticating, granted
    case allocated, permitting, permitted, binding, bound
    case connected, lost, failed

    static let table: [(RelayStage, TransportProtocol)] = allCases.flatMap { stage in
        TransportProtocol.allCases.filter { stage.exists(over: $0) }.map { (stage, $0) }
    }

    private func exists(over transport: TransportProtocol) -> Bool {
        switch self {
        case .connecting: transport.isReliable
        case .handshaking: transport == .tls || transport == .dtls
        default: true
        }
    }
}

/// What must be gone once a client was closed.
struct Remains {
    private struct Reference {
        let name: String
        weak var object: AnyObject?
    }

    private var references: [Reference] = []

    /// The names of those that live.
    var living: [String] { references.filter { $0.object != nil }.map(\.name) }
    var names: Set<String> { Set(references.map(\.name)) }

    mutating func add(_ object: AnyObject) {
        references.append(Reference(name: "\(type(of: object))", object: object))
    }

    mutating func add(_ client: ICEClient) {
        add(client as AnyObject)
        for socket in client.sockets { add(socket.socket as AnyObject) }
        for relay in client.relays {
            add(relay as AnyObject)
            add(relay.client)
        }
    }

    mutating func add(_ client: TURNClient) {
        add(client as AnyObject)
        add(client.link as AnyObject)
        switch client.link.state {
        case .connecting(let channel, _), .open(let channel, _): add(channel)
        case .resolving(let lookUp): add(lookUp as AnyObject)
        case .idle, .closed: break
        }
    }

    /// A channel, what it lies over, its socket, its TLS session.
    private mutating func add(_ channel: any ServerChannel) {
        add(channel as AnyObject)
        for (label, value) in Mirror(reflecting: channel).children {
            switch label {
            case "carrier": (value as? any ServerChannel).map { add($0) }
            case "session", "socket", "stream": add(value as AnyObject)
            default: break
            }
        }
    }
}

@Suite("Closing with a relay, in any state")
struct RelayClosingTests {
    @Test("A call that is closed leaves nothing behind, here and at the server", arguments: RelayStage.table)
    func call(stage: RelayStage, transport: TransportProtocol) throws {
        let scene = try RelayScene()
        let remains = try Self.closeCall(scene, at: stage, over: transport)
        scene.network.run(for: .seconds(3))
        try Self.expectNothing(of: remains, scene)
        if transport == .tls || transport == .dtls, stage == .bound { #expect(remains.names.contains("TLSSession")) }
    }

    @Test("A TURN client that is closed leaves nothing behind, here and at the server", arguments: RelayStage.table)
    func client(stage: RelayStage, transport: TransportProtocol) throws {
        let scene = try RelayScene()
        let remains = try Self.closeClient(scene, at: stage, over: transport)
        scene.network.run(for: .seconds(3))
        try Self.expectNothing(of: remains, scene)
    }

    private static func expectNothing(of remains: Remains, _ scene: RelayScene) throws {
        #expect(remains.living == [])
        #expect(scene.server.allocations == [])
        for host in [scene.a, scene.b] {
            #expect(host.datagramPorts.values.joined().isEmpty)
            #expect(host.streams.isEmpty)
        }
        let quiet = scene.network.now
        scene.network.run(for: .seconds(60))
        #expect(scene.packets(since: quiet) == [])
    }

    private static func closeCall(
        _ scene: RelayScene, at stage: RelayStage, over transport: TransportProtocol
    ) throws -> Remains {
        let network = scene.network
        let server = try RelayScene.urls(
            RelayScene.url(transport, host: "turn.example"), password: stage == .failed ? "wrong" : "secret")
        let call = SimulatedCall(network, scene.a, scene.b) {
            $0.servers = [server]
            $0.transportPolicy = .relay
        }
        var remains = Remains()
        let turn: () -> TURNClient? = { call.caller.relays.first?.client }
        call.start()
        switch stage {
        case .resolving:
            network.run(for: scene.network.names.delay / 2)
            #expect(call.caller.gatheringState == .gathering && turn() == nil)
        case .failed:
            #expect(network.run(until: { call.caller.gatheringState == .complete }, atMost: .seconds(5)))
            #expect(turn() == nil)
        case .lost, .connected:
            #expect(network.run(until: { call.isConnected }, atMost: .seconds(5)))
            #expect(call.talk())
            if stage == .lost {
                let lost = call.caller.relays
                for relay in lost { remains.add(relay.client) }
                scene.server.restart()
                #expect(network.run(until: { turn() == nil }, atMost: .seconds(700)))
            }
        default:
            #expect(network.run(until: { turn().map { scene.hasReached(stage, $0) } == true }, atMost: .seconds(5)))
        }
        for client in call.clients { remains.add(client) }
        call.close()
        return remains
    }

    private static func closeClient(
        _ scene: RelayScene, at stage: RelayStage, over transport: TransportProtocol
    ) throws -> Remains {
        let network = scene.network
        let client = try scene.turnClient(
            transport, host: "turn.example", password: stage == .failed ? "wrong" : "secret")
        var remains = Remains()
        var hasEnded = false
        client.onAllocationLost = { _ in hasEnded = true }
        client.onResponseError = { _, _, _ in hasEnded = true }
        client.onAllocate = { _ in
            switch stage {
            case .permitting, .permitted: client.createPermission(for: "203.0.113.2")
            case .binding, .bound, .connected, .lost: client.bindChannel(to: "203.0.113.2:5000")
            default: break
            }
        }
        client.allocate()
        switch stage {
        case .failed:
            #expect(network.run(until: { hasEnded }, atMost: .seconds(5)))
        case .lost:
            #expect(network.run(until: { scene.hasReached(.bound, client) }, atMost: .seconds(5)))
            remains.add(client)
            scene.server.restart()
            #expect(network.run(until: { hasEnded }, atMost: .seconds(700)))
        default:
            #expect(network.run(until: { scene.hasReached(stage, client) }, atMost: .seconds(5)))
        }
        remains.add(client)
        client.close()
        return remains
    }
}

extension RelayScene {
    /// Whether a client is there, and not yet further.
    fileprivate func hasReached(_ stage: RelayStage, _ client: TURNClient) -> Bool {
        let allocation = client.allocation
        let requests = server.counters.requests
        switch stage {
        case .resolving: if case .resolving = client.link.state { return true }
        case .connecting:
            if case .connecting(let channel, _) = client.link.state { return channel.localAddress == nil }
        case .handshaking:
            if case .connecting(let channel, _) = client.link.state { return channel.localAddress != nil }
        case .asking: return client.phase == .allocating && server.counters.errors[401] == nil
        case .authenticating:
            let isAuthenticated = client.core?.authenticator.key != nil
            return client.phase == .allocating && isAuthenticated && server.allocations.isEmpty
        case .granted: return client.phase == .allocating && !server.allocations.isEmpty
        case .allocated: return allocation != nil
        case .permitting: return requests[.createPermission] != nil && allocation?.permissions == []
        case .permitted: return allocation?.permissions.isEmpty == false
        case .binding: return requests[.channelBind] != nil && allocation?.channels == []
        case .bound, .connected: return allocation?.channels.isEmpty == false
        case .lost, .failed: break
        }
        return false
    }
}
